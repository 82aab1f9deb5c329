import {
  ConfigurationError,
  requireKnownOptions,
  requireOptions,
  standardWebhooks,
  staticToken,
  unsigned,
  type Source,
  type SourceOptions,
  type StandardWebhooksSecret,
} from 'nestjs-runhooks/core';
import { ParadimeProvider } from './provider.js';

/** Signed as Standard Webhooks or Svix do. Paradime documents no signature; this is what such senders use. */
export interface ParadimeStandardWebhooksOptions extends SourceOptions {
  /** @default 'standard-webhooks' */
  readonly scheme?: 'standard-webhooks';
  /**
   * Signing secrets of the webhook endpoint, at least one; any of them may match, so that one can be replaced while
   * both are in use. `whsec_…`, base64, `whpk_…` (ed25519), or `{ utf8: … }` for a secret that is plain text. At least
   * 16 bytes each; where `NODE_ENV` is `production`, test secrets stop the boot.
   */
  readonly secrets: readonly (StandardWebhooksSecret | undefined)[];
}

/** A shared token in a header. It proves who sent a message, but not that the body arrived unchanged. */
export interface ParadimeStaticTokenOptions extends SourceOptions {
  readonly scheme: 'static-token';
  /** Name of the header, for example `x-paradime-token`. */
  readonly header: string;
  /**
   * The header's whole value, `Bearer ` included if it is sent. At least one; any of them may match. At least 16
   * characters each, without the `Bearer `.
   */
  readonly tokens: readonly (string | undefined)[];
}

/** No check at all: whoever knows the path can report runs. The log says so at every start. */
export interface ParadimeUnsignedOptions extends SourceOptions {
  readonly scheme: 'unsigned-insecure';
}

export type ParadimeOptions = ParadimeStandardWebhooksOptions | ParadimeStaticTokenOptions | ParadimeUnsignedOptions;

/** Of every scheme. */
const OPTIONS = {
  name: true,
  path: true,
  bodyBytesMax: true,
  enabled: true,
  scheme: true,
  secrets: true,
  header: true,
  tokens: true,
} satisfies Record<keyof ParadimeStandardWebhooksOptions | keyof ParadimeStaticTokenOptions, true>;

/**
 * A source for the webhooks of Paradime's Bolt scheduler, `bolt.run.started` and `bolt.run.completed`
 * (https://docs.paradime.io/app-help/developers/webhooks/getting-started).
 *
 * Filters see a run's workspace as its `account` and, as a workspace holds one dbt project, also as its `project`; its
 * schedule as its `job`; and the schedule's environment as its `environment`.
 *
 * Options are checked when the app boots: a missing, empty or unusable secret is a {@link ConfigurationError} that
 * names the option. A name that is no option is one at once.
 */
export function paradime(options: ParadimeOptions): Source {
  requireOptions(options, 'paradime', "paradime({ name: 'paradime', secrets: [process.env.PARADIME_WEBHOOK_SECRET] })");
  const { name, path, bodyBytesMax, enabled } = options;
  const call = `paradime({ name: '${name}' })`;
  requireKnownOptions(call, options, OPTIONS);
  return {
    name,
    ...(path !== undefined && { path }),
    ...(bodyBytesMax !== undefined && { bodyBytesMax }),
    ...(enabled !== undefined && { enabled }),
    provider: 'paradime',
    open: () => openProvider(options, call),
  };
}

function openProvider(options: ParadimeOptions, option: string): ParadimeProvider {
  switch (options.scheme) {
    case undefined:
    case 'standard-webhooks': {
      const scheme = standardWebhooks({ secrets: options.secrets }, option);
      return new ParadimeProvider(scheme, `Standard Webhooks, ${count(options.secrets, 'secret')}`);
    }
    case 'static-token': {
      const { header, tokens } = options;
      const scheme = staticToken({ header, tokens }, option);
      return new ParadimeProvider(scheme, `static token in ${header}, ${count(tokens, 'token')}`);
    }
    case 'unsigned-insecure':
      return new ParadimeProvider(unsigned(), 'NONE (unsigned)');
    default:
      throw new ConfigurationError(
        `${option}.scheme`,
        "found something else; expected 'standard-webhooks', 'static-token' or 'unsigned-insecure'",
      );
  }
}

function count(list: readonly unknown[], noun: string): string {
  return `${list.length} ${noun}${list.length === 1 ? '' : 's'}`;
}
