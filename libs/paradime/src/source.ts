import {
  ConfigurationError,
  defineSource,
  standardWebhooks,
  staticToken,
  unsigned,
  type SignatureScheme,
  type Source,
  type SourceDefinition,
  type SourceOptions,
  type StandardWebhooksSecret,
} from 'nestjs-runhooks/core';
import type { ParadimeApiOptions } from './api/api-options.js';
import { openParadimeApi } from './open-api.js';
import { ParadimeProvider } from './provider.js';
import { appOriginOf } from './run-page.js';
import type { ParadimeSweepOptions } from './sweep/sweep-options.js';

/** Options for the access to Paradime's API. Workers check them at startup; receivers need none of them. */
export interface ParadimeAccessOptions {
  /**
   * Access to Paradime's GraphQL API: a client for handlers, and sweeps that look for runs that no webhook reported.
   * @default none
   */
  readonly api?: ParadimeApiOptions;
  /** Options of the sweeps. They need {@link api} with its `workspace`. @default all schedules, 2 min */
  readonly sweep?: ParadimeSweepOptions;
}

/**
 * Options for a source of Paradime whose messages are signed as Standard Webhooks or Svix do. Paradime does not document
 * its signatures; most senders use this scheme.
 */
export interface ParadimeStandardWebhooksOptions extends SourceOptions, ParadimeAccessOptions {
  /** @default 'standard-webhooks' */
  readonly scheme?: 'standard-webhooks';
  /**
   * Signing secrets of the webhook endpoint, at least one. A message is accepted if any of them matches: list two while
   * you replace one. `whsec_…`, base64, `whpk_…` (ed25519), or `{ utf8: … }` for plain text, at least 16 bytes each.
   * Startup fails for a test secret if `NODE_ENV` is `production`.
   */
  readonly secrets: readonly (StandardWebhooksSecret | undefined)[];
}

/**
 * Options for a source of Paradime with a shared token in a header. The token proves who sent a message, but not that the
 * body arrived unchanged.
 */
export interface ParadimeStaticTokenOptions extends SourceOptions, ParadimeAccessOptions {
  readonly scheme: 'static-token';
  /** Name of the header, for example `x-paradime-token`. */
  readonly header: string;
  /**
   * Values of the header, at least one, including `Bearer ` if the sender adds it. A message is accepted if any of them
   * matches. At least 16 characters each, without `Bearer `.
   */
  readonly tokens: readonly (string | undefined)[];
}

/** Options for a source of Paradime without a check: everyone who knows the path can send messages. Each startup warns. */
export interface ParadimeUnsignedOptions extends SourceOptions, ParadimeAccessOptions {
  readonly scheme: 'unsigned-insecure';
}

/** Options for a source of Paradime. */
export type ParadimeOptions = ParadimeStandardWebhooksOptions | ParadimeStaticTokenOptions | ParadimeUnsignedOptions;

const DEFINITION: SourceDefinition<ParadimeOptions> = {
  call: 'paradime',
  provider: 'paradime',
  example: "paradime({ name: 'paradime', secrets: [process.env.PARADIME_WEBHOOK_SECRET] })",
  optionNames: { scheme: true, secrets: true, header: true, tokens: true, api: true, sweep: true },
  open: (options, option) => new ParadimeProvider(openScheme(options, option), appOriginOf(options.api?.endpoint)),
  openApi: ({ api, sweep }, option, host) => openParadimeApi({ api, sweep, option, host }),
};

/**
 * Returns a source for the webhooks of Paradime's Bolt scheduler, `bolt.run.started` and `bolt.run.completed`
 * (https://docs.paradime.io/app-help/developers/webhooks/getting-started).
 *
 * In filters, a run's schedule is its `job`, and the schedule's environment its `environment`. Its workspace is its
 * `account`, and also its `project`, because a workspace has one dbt project.
 *
 * @throws {ConfigurationError} if an option is unknown. Values, such as a missing secret, are checked at startup.
 *
 * @example
 * paradime({ name: 'paradime', secrets: [process.env.PARADIME_WEBHOOK_SECRET] })
 */
export function paradime(options: ParadimeOptions): Source {
  return defineSource(DEFINITION, options);
}

function openScheme(options: ParadimeOptions, option: string): SignatureScheme {
  switch (options.scheme) {
    case undefined:
    case 'standard-webhooks':
      return standardWebhooks({ secrets: options.secrets }, option);
    case 'static-token':
      return staticToken({ header: options.header, tokens: options.tokens }, option);
    case 'unsigned-insecure':
      return unsigned();
    default:
      throw new ConfigurationError(
        `${option}.scheme`,
        "expected 'standard-webhooks', 'static-token' or 'unsigned-insecure', got another value",
      );
  }
}
