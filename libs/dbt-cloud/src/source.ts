import {
  type ApiHost,
  ConfigurationError,
  defineSource,
  hmacHex,
  isIdText,
  readHeaderName,
  type Source,
  type SourceDefinition,
  type SourceOptions,
  kindOf,
  requireInteger,
} from 'nestjs-runhooks/core';
import { checkApiOptions, type DbtCloudApiOptions } from './api/api-options.js';
import { DBT_CLOUD_LIMITS } from './limits.js';
import { DbtCloudProvider } from './provider.js';
import { DbtCloudSourceApi } from './source-api.js';
import { checkSweepOptions, type DbtCloudSweepOptions } from './sweep/sweep-options.js';

/** Options for a source of dbt Cloud. */
export interface DbtCloudOptions extends SourceOptions {
  /**
   * Secrets that dbt showed when the webhooks were created, at least one. A message is accepted if any of them matches:
   * list several for several webhooks, or while you replace one. Startup fails if an entry is `undefined` or has fewer
   * than 8 bytes, and if `NODE_ENV` is `production`, also for a test secret.
   */
  readonly secrets: readonly (string | undefined)[];
  /**
   * Header with the signature. Set it if a gateway replaces `Authorization` and moves the sender's value to another
   * header (Google API Gateway: `x-forwarded-authorization`).
   * @default 'authorization'
   */
  readonly signatureHeader?: string;
  /**
   * Address at which you open dbt Cloud, for example `https://ab123.us1.dbt.com`. Messages do not contain it; without it
   * `run.url` is absent.
   * @default none
   */
  readonly accessUrl?: string;
  /**
   * Run ids that dbt's "Test Endpoint" button sends. Messages about them are stored as tests and run no handlers. Tests
   * without a run id or a status are recognized without this option.
   * @default none
   */
  readonly testRunIds?: readonly string[];
  /**
   * Maximum age of a message by its own `timestamp`, in milliseconds; older messages are rejected with 401. Usually
   * unnecessary, because duplicates are detected for 400 days. It must be longer than dbt's retries, whose duration is
   * not documented. Messages that are resent manually later are rejected as well.
   * @default none
   */
  readonly maxAgeMs?: number;
  /**
   * Access to dbt Cloud's Administrative API, for sweeps and for the client that `@InjectProviderApi` injects. Only workers
   * use it, so receivers need no tokens.
   * @default none
   */
  readonly api?: DbtCloudApiOptions;
  /**
   * Options of the sweeps. With this option, a worker without `api.readToken` does not start.
   * @default sweeps run if `api.readToken` is set
   */
  readonly sweep?: DbtCloudSweepOptions;
}

const DEFINITION: SourceDefinition<DbtCloudOptions> = {
  call: 'dbtCloud',
  provider: 'dbt-cloud',
  example: "dbtCloud({ name: 'dbt', secrets: [process.env.DBT_CLOUD_WEBHOOK_SECRET] })",
  optionNames: {
    secrets: true,
    signatureHeader: true,
    accessUrl: true,
    testRunIds: true,
    maxAgeMs: true,
    api: true,
    sweep: true,
  },
  open: openProvider,
  openApi,
};

/**
 * Returns a source for dbt Cloud's account-level webhooks: HMAC-SHA256 of the body in `Authorization`
 * (https://docs.getdbt.com/docs/deploy/webhooks).
 *
 * @throws {ConfigurationError} if an option is unknown. Values, such as a missing secret, are checked at startup.
 *
 * @example
 * dbtCloud({ name: 'dbt', secrets: [process.env.DBT_CLOUD_WEBHOOK_SECRET] })
 */
export function dbtCloud(options: DbtCloudOptions): Source {
  return defineSource(DEFINITION, options);
}

function openProvider(options: DbtCloudOptions, option: string): DbtCloudProvider {
  const { secrets, signatureHeader: header = 'authorization', accessUrl, testRunIds = [], maxAgeMs } = options;
  if (maxAgeMs !== undefined) requireInteger(`${option}.maxAgeMs`, maxAgeMs, 1, Number.MAX_SAFE_INTEGER);
  const signatureHeader = readHeaderName(header, `${option}.signatureHeader`);
  return new DbtCloudProvider({
    scheme: hmacHex({ header: signatureHeader, secrets, secretBytesMin: DBT_CLOUD_LIMITS.secretBytesMin }, option),
    signatureHeader,
    accessUrl: accessUrl === undefined ? undefined : readAccessUrl(accessUrl, `${option}.accessUrl`),
    testRunIds: readTestRunIds(testRunIds, `${option}.testRunIds`),
    maxAgeMs,
  });
}

function openApi(options: DbtCloudOptions, option: string, host: ApiHost): DbtCloudSourceApi | undefined {
  const { name, path = `/webhooks/${name}`, accessUrl: given, api, sweep } = options;
  if (api === undefined) {
    if (sweep === undefined) return undefined;
    throw new ConfigurationError(
      `${option}.sweep`,
      'expected the option api as well, got undefined. Set api.readToken',
    );
  }
  const accessUrl = given === undefined ? undefined : readAccessUrl(given, `${option}.accessUrl`);
  return new DbtCloudSourceApi(
    {
      api: checkApiOptions(api, `${option}.api`, accessUrl),
      sweep: checkSweepOptions(sweep, `${option}.sweep`),
      isSweepAsked: sweep !== undefined,
      paths: typeof path === 'string' ? [path] : path,
    },
    host,
  );
}

function readAccessUrl(text: unknown, option: string): string {
  const url = typeof text === 'string' && URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === 'https:' && !url.username && !url.password && !url.search && !url.hash) {
    return url.href.replace(/\/+$/, '');
  }
  throw new ConfigurationError(
    option,
    `expected an https address without credentials, query or fragment, got ${kindOf(text)}. ` +
      'Copy the address at which you open dbt, for example https://ab123.us1.dbt.com',
  );
}

function readTestRunIds(ids: readonly unknown[], option: string): ReadonlySet<string> {
  if (!Array.isArray(ids)) throw new ConfigurationError(option, `expected an array of run ids, got ${kindOf(ids)}`);
  return new Set(
    ids.map((id: unknown, index) => {
      if (isIdText(id)) return id;
      throw new ConfigurationError(`${option}[${index}]`, `expected a run id, got ${kindOf(id)}`);
    }),
  );
}
