import { ConfigurationError, kindOf } from 'nestjs-runhooks/core';
import { requireKnownOptions, requireOptions } from 'nestjs-runhooks/internal';
import type { PayloadOverride } from './payload-override.js';

interface WebhookOptions {
  readonly event?: string;
  readonly payload?: PayloadOverride;
  readonly secret?: unknown;
}

/** Throws {@link ConfigurationError} for wrong options of a builder, which JavaScript allows. */
export function checkWebhookOptions(
  builder: string,
  options: WebhookOptions,
  events: object,
  known: Readonly<Record<string, true>>,
): void {
  requireOptions(options, builder, `${builder}({ event: 'failed' })`);
  requireKnownOptions(builder, options, known);
  const { event, payload = {} } = options;
  if (event !== undefined && !Object.hasOwn(events, event)) {
    const names = Object.keys(events).join(', ');
    throw new ConfigurationError(`${builder}({ event })`, `expected one of ${names}, got ${JSON.stringify(event)}`);
  }
  requireOptions(payload, `${builder}({ payload })`, `${builder}({ payload: { field: 'value' } })`);
  if (!('secret' in options) || (options.secret !== undefined && options.secret !== null && options.secret !== ''))
    return;
  throw new ConfigurationError(
    `${builder}({ secret })`,
    `expected the secret of the source, got ${kindOf(options.secret)}. Omit the option to sign with a secret of TEST_SECRETS`,
  );
}
