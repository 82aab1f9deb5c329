import {
  ConfigurationError,
  hmacHex,
  isIdText,
  readHeaderName,
  requireKnownOptions,
  requireOptions,
  requireWhole,
  type Source,
  type SourceOptions,
} from 'nestjs-runhooks/core';
import { DBT_CLOUD_LIMITS } from './limits.js';
import { DbtCloudProvider } from './provider.js';

export interface DbtCloudOptions extends SourceOptions {
  /**
   * Secrets that dbt showed when the webhook was created, at least one; any may match. Several are for several
   * webhooks, or for replacing one while both are in use. Entries that are undefined stop the boot, so that an
   * environment variable may be given as it is; so do entries of fewer than 8 bytes and, where `NODE_ENV` is
   * `production`, test secrets.
   */
  readonly secrets: readonly (string | undefined)[];
  /**
   * Header with the signature, for gateways that take `Authorization` over and move the sender's to another header
   * (Google API Gateway: `x-forwarded-authorization`).
   * @default 'authorization'
   */
  readonly signatureHeader?: string;
  /**
   * Where you open dbt, for example `https://ab123.us1.dbt.com`. Messages do not tell it; without it `run.url` is absent.
   */
  readonly accessUrl?: string;
  /**
   * Run ids that dbt's "Test Endpoint" button sends. Messages about them are kept as tests and run no handler. A test
   * without a run id or a status is recognised without this.
   */
  readonly testRunIds?: readonly string[];
  /**
   * Refuses messages whose own `timestamp` is older than this many milliseconds, with 401. The signature of dbt covers no
   * time but that one, and duplicates are known for 400 days anyway. Must be longer than dbt's retries take, which it
   * does not document; a message that is sent again by hand is refused, too.
   * @default none
   */
  readonly maxAgeMs?: number;
}

const OPTIONS = {
  name: true,
  path: true,
  bodyBytesMax: true,
  enabled: true,
  secrets: true,
  signatureHeader: true,
  accessUrl: true,
  testRunIds: true,
  maxAgeMs: true,
} satisfies Record<keyof DbtCloudOptions, true>;

/**
 * A source for dbt Cloud's account-level webhooks: HMAC-SHA256 of the body in `Authorization`
 * (https://docs.getdbt.com/docs/deploy/webhooks).
 *
 * Options are checked when the app boots: a missing or empty secret is a {@link ConfigurationError} that names it.
 * A name that is no option is one at once.
 */
export function dbtCloud(options: DbtCloudOptions): Source {
  requireOptions(options, 'dbtCloud', "dbtCloud({ name: 'dbt', secrets: [process.env.DBT_CLOUD_WEBHOOK_SECRET] })");
  const { name, path, bodyBytesMax, enabled } = options;
  const call = `dbtCloud({ name: '${name}' })`;
  requireKnownOptions(call, options, OPTIONS);
  return {
    name,
    ...(path !== undefined && { path }),
    ...(bodyBytesMax !== undefined && { bodyBytesMax }),
    ...(enabled !== undefined && { enabled }),
    provider: 'dbt-cloud',
    open: () => openProvider(options, call),
  };
}

function openProvider(options: DbtCloudOptions, option: string): DbtCloudProvider {
  const { secrets, signatureHeader: header = 'authorization', accessUrl, testRunIds = [], maxAgeMs } = options;
  if (maxAgeMs !== undefined) requireWhole(`${option}.maxAgeMs`, maxAgeMs, 1, Number.MAX_SAFE_INTEGER);
  const signatureHeader = readHeaderName(header, `${option}.signatureHeader`);
  return new DbtCloudProvider({
    scheme: hmacHex({ header: signatureHeader, secrets, secretBytesMin: DBT_CLOUD_LIMITS.secretBytesMin }, option),
    signature: `HMAC-SHA256 in ${signatureHeader}, ${secrets.length} secret${secrets.length === 1 ? '' : 's'}`,
    signatureHeader,
    accessUrl: accessUrl === undefined ? undefined : readAccessUrl(accessUrl, `${option}.accessUrl`),
    testRunIds: readTestRunIds(testRunIds, `${option}.testRunIds`),
    maxAgeMs,
  });
}

function readAccessUrl(text: unknown, option: string): string {
  const url = typeof text === 'string' && URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === 'https:' && !url.username && !url.password && !url.search && !url.hash) {
    return url.href.replace(/\/+$/, '');
  }
  throw new ConfigurationError(
    option,
    'expected the https address at which you open dbt, for example https://ab123.us1.dbt.com',
  );
}

function readTestRunIds(ids: readonly unknown[], option: string): ReadonlySet<string> {
  if (!Array.isArray(ids)) throw new ConfigurationError(option, 'expected a list of run ids');
  return new Set(
    ids.map((id: unknown, index) => {
      if (isIdText(id)) return id;
      throw new ConfigurationError(`${option}[${index}]`, `expected a run id as a text, found a ${typeof id}`);
    }),
  );
}
