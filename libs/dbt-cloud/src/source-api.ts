import {
  ConfigurationError,
  type ApiHost,
  type ApiScope,
  type ProviderApi,
  type ResultsReader,
  type Round,
} from 'nestjs-runhooks/core';
import { DbtCloudApi } from './api/dbt-cloud-api.js';
import type { ApiSettings } from './api/api-options.js';
import { DbtCloudResultsReader } from './results/results-reader.js';
import { JobScope } from './sweep/job-scope.js';
import { ProviderNames } from './sweep/provider-names.js';
import { sweepRounds } from './sweep/rounds.js';
import type { SweepSettings } from './sweep/sweep-options.js';

/** Checked options of a source with access to the API. */
export interface SourceApiSettings {
  readonly api: ApiSettings;
  readonly sweep: SweepSettings;
  /** Whether the option `sweep` is set, so that sweeps must work. */
  readonly isSweepAsked: boolean;
  /** Paths of the source. */
  readonly paths: readonly string[];
}

/** Access of a source to the API of dbt Cloud. */
export class DbtCloudSourceApi implements ProviderApi {
  readonly client: DbtCloudApi;
  readonly switchedOff: readonly string[];
  readonly sweeps?: string;
  /** Account and jobs that the rounds look at; empty without rounds. */
  readonly scope: readonly ApiScope[];
  readonly rounds: readonly Round[];
  readonly results?: ResultsReader;

  /** @throws {ConfigurationError} if sweeps are asked for and their token is missing. */
  constructor({ api, sweep, isSweepAsked, paths }: SourceApiSettings, host: ApiHost) {
    const { option, tokens, baseUrl, accountId = '*' } = api;
    if (isSweepAsked && tokens.read === undefined) {
      throw new ConfigurationError(
        `${option}.readToken`,
        'expected the token that sweeps need, got undefined. Set it, or remove the option sweep',
      );
    }
    this.client = new DbtCloudApi(api, host);
    this.switchedOff = switchedOffOf(api);
    if (tokens.read === undefined) {
      [this.rounds, this.scope] = [[], []];
      return;
    }
    this.results = new DbtCloudResultsReader(this.client);
    const scope = new JobScope({ api: this.client, jobs: sweep.jobs, paths });
    const names = new ProviderNames(this.client);
    this.rounds = sweepRounds({ api: this.client, scope, names, settings: sweep });
    this.scope = [{ account: `${new URL(baseUrl).host}/${accountId}`, ...(sweep.jobs && { jobs: sweep.jobs }) }];
    this.sweeps = `ended, canceled and open runs of ${scope.describe()}`;
  }
}

function switchedOffOf({ option, tokens }: ApiSettings): readonly string[] {
  return [
    ...(tokens.read === undefined
      ? [
          `Runs that no webhook reports are not found, and runs, their results and artifacts cannot be read: set ${option}.readToken`,
        ]
      : []),
    ...(tokens.webhooks === undefined ? [`Webhook subscriptions cannot be read: set ${option}.webhooksToken`] : []),
  ];
}
