import { ConfigurationError, isIdText, kindOf, checkApiUrl, requireKnownOptions } from 'nestjs-runhooks/core';

/**
 * Options of the access to dbt Cloud's Administrative API. Each token is optional, and needs no more rights than stated.
 * On plans whose service tokens have only Semantic Layer rights (Developer, Starter), use a personal access token.
 */
export interface DbtCloudApiOptions {
  /**
   * Address of the API if it differs from {@link accessUrl}, for example a proxy. No other address gets a token.
   * @default `accessUrl`
   */
  readonly baseUrl?: string | undefined;
  /**
   * Address at which you open dbt Cloud, for example `https://ab123.us1.dbt.com`. At the address of another cell, dbt Cloud
   * answers 401 to a valid token.
   * @default the source's `accessUrl`
   */
  readonly accessUrl?: string | undefined;
  /**
   * Id of the account, the number in the address of its pages.
   * @default the only account of the token
   */
  readonly accountId?: string | undefined;
  /**
   * Token that reads runs, jobs, projects, environments and artifacts: permission set Job Viewer. Sweeps and results of runs
   * need it.
   * @default these calls, sweeps and results are off
   */
  readonly readToken?: string | undefined;
  /**
   * Token that starts, retries and cancels runs: permission set Job Runner. Only `retry`, `trigger` and `cancel` need it. It also
   * looks for their runs after a lost answer, if there is no `readToken`.
   * @default these calls reject with the reason `no-token`
   */
  readonly actToken?: string | undefined;
  /**
   * Token that reads webhook subscriptions: permission set Webhooks Only.
   * @default subscriptions cannot be read, and sweeps look at all jobs unless `sweep.jobs` is set
   */
  readonly webhooksToken?: string | undefined;
}

/** Right of a token, which is also the beginning of its option. */
export type ApiRight = 'read' | 'act' | 'webhooks';

/** Checked options. Never log them: they contain the tokens. */
export interface ApiSettings {
  /** Path of the option, for errors: `dbtCloud({ name: 'dbt' }).api`. */
  readonly option: string;
  readonly baseUrl: string;
  readonly accountId: string | undefined;
  readonly tokens: Readonly<Partial<Record<ApiRight, string>>>;
}

const OPTIONS: Record<keyof DbtCloudApiOptions, true> = {
  baseUrl: true,
  accessUrl: true,
  accountId: true,
  readToken: true,
  actToken: true,
  webhooksToken: true,
};

/**
 * Checks the option `api`.
 *
 * @throws {ConfigurationError} that names the invalid option and contains no value of it.
 */
export function checkApiOptions(options: unknown, option: string, accessUrl: string | undefined): ApiSettings {
  requireKnownOptions(option, options, OPTIONS);
  const { baseUrl, accessUrl: ownAccessUrl = accessUrl, accountId } = options as DbtCloudApiOptions;
  const address = baseUrl ?? ownAccessUrl;
  if (address === undefined) {
    throw new ConfigurationError(
      `${option}.accessUrl`,
      'expected the address at which you open dbt Cloud, got undefined. Set it here or as accessUrl of the source',
    );
  }
  if (accountId !== undefined && !isNumber(accountId)) {
    throw new ConfigurationError(`${option}.accountId`, `expected a string of digits, got ${kindOf(accountId)}`);
  }
  const { readToken, actToken, webhooksToken } = options as Readonly<Record<string, unknown>>;
  return {
    option,
    baseUrl: checkApiUrl(`${option}.${baseUrl === undefined ? 'accessUrl' : 'baseUrl'}`, address),
    accountId,
    tokens: {
      ...tokenOf('read', readToken, option),
      ...tokenOf('act', actToken, option),
      ...tokenOf('webhooks', webhooksToken, option),
    },
  };
}

function tokenOf(right: ApiRight, value: unknown, option: string): Partial<Record<ApiRight, string>> {
  if (value === undefined) return {};
  const token = typeof value === 'string' ? value.trim() : '';
  // Other characters cannot be in a header.
  if (/^[\x21-\x7e]+$/.test(token)) return { [right]: token };
  throw new ConfigurationError(
    `${option}.${right}Token`,
    `expected a token without spaces, got ${kindOf(value)}. Set the environment variable it is read from, or leave it undefined`,
  );
}

function isNumber(id: unknown): boolean {
  return isIdText(id) && /^\d+$/.test(id);
}
