import { ConfigurationError, requireKnownOptions, requireOptions } from 'nestjs-runhooks/core';
import type { PayloadOverride } from './payload-override.js';

interface WebhookOptions {
  readonly event?: string;
  readonly payload?: PayloadOverride;
  readonly secret?: unknown;
}

/** Throws {@link ConfigurationError} for what only plain JavaScript can ask of a builder. */
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
    throw new ConfigurationError(`${builder}({ event })`, `found ${JSON.stringify(event)}; expected one of ${names}`);
  }
  requireOptions(payload, `${builder}({ payload })`, 'an object with the fields to change');
  if (!('secret' in options) || (options.secret !== undefined && options.secret !== null && options.secret !== ''))
    return;
  throw new ConfigurationError(
    `${builder}({ secret })`,
    `found ${options.secret === '' ? 'an empty text' : String(options.secret)}; expected the secret of the source. ` +
      'Leave the option out to sign with the one in TEST_SECRETS',
  );
}
