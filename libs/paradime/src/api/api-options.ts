import {
  checkApiUrl,
  ConfigurationError,
  isLoopbackHost,
  kindOf,
  requireInteger,
  requireKnownOptions,
} from 'nestjs-runhooks/core';
import { PARADIME_LIMITS } from '../limits.js';

/** Options of the access to Paradime's API, besides its credentials. */
export interface ParadimeApiAddress {
  /**
   * Address of the GraphQL API, `https://api.paradime.io/api/v1/…/graphql`. Paradime shows it where you create API keys.
   * Runhooks calls no other address with the credentials, and never one from a webhook.
   */
  readonly endpoint: string;
  /**
   * The `uid` of the workspace, as in `workspace.uid` of its webhooks. Sweeps need it, and a company token too: without it
   * sweeps are off, and workers report that at startup. A wrong one makes sweeps report runs under another account.
   */
  readonly workspace?: string | undefined;
  /**
   * Names of hosts, without a port, whose artifacts may be downloaded from a private address. Other artifacts must be on
   * public ones.
   * @default none; the host of `endpoint` if that is this host, as in tests
   */
  readonly artifactHosts?: readonly string[];
  /** Calls of one process at the same time. @default 2 */
  readonly concurrency?: number;
  /** Calls that one process starts in a second, at most. Paradime documents no limits. @default 5 */
  readonly callsPerSecond?: number;
}

/** Options of the access with a token of Paradime's newer kind. */
export interface ParadimeApiTokenOptions extends ParadimeApiAddress {
  /** Token of a workspace (`prdm_wsp_…`) or of the company (`prdm_cmp_…`, which needs {@link workspace}). */
  readonly token: string | undefined;
  readonly apiKey?: undefined;
  readonly apiSecret?: undefined;
}

/**
 * Options of the access with an API key of a workspace. The right "Bolt schedules metadata viewer" is enough to read. To retry,
 * trigger and cancel runs, the key needs "Bolt schedules admin".
 */
export interface ParadimeApiKeyOptions extends ParadimeApiAddress {
  readonly apiKey: string | undefined;
  readonly apiSecret: string | undefined;
  readonly token?: undefined;
}

/** Options of the access to Paradime's API. */
export type ParadimeApiOptions = ParadimeApiTokenOptions | ParadimeApiKeyOptions;

/** Checked options. Never log them: they contain the credentials. */
export interface ParadimeApiAccess {
  /** Scheme, host and port. */
  readonly origin: string;
  readonly path: `/${string}`;
  /** Headers with the credentials. */
  readonly headers: Readonly<Record<string, string>>;
  readonly workspace: string | undefined;
  readonly artifactHosts: readonly string[];
  readonly concurrency: number;
  readonly callsPerSecond: number;
}

const WORKSPACE_TOKEN = 'prdm_wsp_';
const COMPANY_TOKEN = 'prdm_cmp_';

const OPTIONS: Record<keyof ParadimeApiTokenOptions, true> = {
  endpoint: true,
  token: true,
  apiKey: true,
  apiSecret: true,
  workspace: true,
  artifactHosts: true,
  concurrency: true,
  callsPerSecond: true,
};

/**
 * Checks the option `api`. The prefix of a token decides how it is sent, as in Paradime's Python SDK
 * (https://github.com/paradime-io/paradime-python-sdk, `paradime/client/api_client.py`).
 *
 * @throws {ConfigurationError} that names the invalid option and contains no value of it.
 */
export function checkApiOptions(options: unknown, option: string): ParadimeApiAccess {
  requireKnownOptions(option, options, OPTIONS);
  const { endpoint, token, apiKey, apiSecret, workspace, artifactHosts } = options as Record<string, unknown>;
  const { concurrency = PARADIME_LIMITS.apiConcurrency, callsPerSecond = PARADIME_LIMITS.apiCallsPerSecond } =
    options as ParadimeApiOptions;
  requireInteger(`${option}.concurrency`, concurrency, 1, PARADIME_LIMITS.apiConcurrencyMax);
  requireInteger(`${option}.callsPerSecond`, callsPerSecond, 1, PARADIME_LIMITS.apiCallsPerSecondMax);
  const url = new URL(checkApiUrl(`${option}.endpoint`, endpoint));
  const uid = workspace === undefined ? undefined : headerText(workspace, `${option}.workspace`);
  if (artifactHosts !== undefined && !isHostList(artifactHosts)) {
    throw new ConfigurationError(`${option}.artifactHosts`, 'expected an array of host names, got another value');
  }
  return {
    origin: url.origin,
    path: `/${url.pathname.slice(1)}`,
    headers: {
      ...credentialsOf({ token, apiKey, apiSecret }, uid, option),
      ...(uid !== undefined && { 'x-paradime-workspace': uid }),
    },
    workspace: uid,
    artifactHosts: artifactHosts ?? (isLoopbackHost(url.hostname) ? [url.hostname.replace(/^\[|\]$/g, '')] : []),
    concurrency,
    callsPerSecond,
  };
}

interface Credentials {
  readonly token: unknown;
  readonly apiKey: unknown;
  readonly apiSecret: unknown;
}

function credentialsOf(
  { token, apiKey, apiSecret }: Credentials,
  workspace: string | undefined,
  option: string,
): Readonly<Record<string, string>> {
  if (apiKey === undefined && apiSecret === undefined) {
    const bearer = headerText(token, `${option}.token`);
    if (!isToken(bearer)) {
      throw new ConfigurationError(
        `${option}.token`,
        `expected a token that starts with "${WORKSPACE_TOKEN}" or "${COMPANY_TOKEN}", got another string. ` +
          'Set apiKey and apiSecret for an API key with a secret',
      );
    }
    if (bearer.startsWith(COMPANY_TOKEN) && workspace === undefined) {
      throw new ConfigurationError(
        `${option}.workspace`,
        'expected the uid of the workspace, because the token is one of the company, got undefined',
      );
    }
    return { authorization: `Bearer ${bearer}` };
  }
  if (token !== undefined) {
    throw new ConfigurationError(`${option}.token`, 'expected either token, or apiKey and apiSecret, got both');
  }
  const secret = headerText(apiSecret, `${option}.apiSecret`);
  if (isToken(secret)) {
    throw new ConfigurationError(`${option}.apiSecret`, 'expected the secret of an API key, got a token. Set token');
  }
  return { 'x-api-key': headerText(apiKey, `${option}.apiKey`), 'x-api-secret': secret };
}

function isHostList(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((host) => typeof host === 'string' && host !== '');
}

function isToken(text: string): boolean {
  return text.startsWith(WORKSPACE_TOKEN) || text.startsWith(COMPANY_TOKEN);
}

/** Returns the value of a header, without whitespace around it: a final line break comes from the configuration. */
function headerText(value: unknown, option: string): string {
  const text = typeof value === 'string' ? value.trim() : '';
  if (/^[\x21-\x7e]+$/.test(text)) return text;
  const found = typeof value === 'string' && text !== '' ? 'a string with other characters' : kindOf(value);
  throw new ConfigurationError(
    option,
    `expected a string of printable ASCII characters without spaces, got ${found}. ` +
      'Set the environment variable it is read from',
  );
}
