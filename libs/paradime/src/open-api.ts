import { type ApiHost, ConfigurationError, type ProviderApi } from 'nestjs-runhooks/core';
import { checkApiOptions, type ParadimeApiAccess } from './api/api-options.js';
import type { GateTime } from './api/call-gate.js';
import { ParadimeApi } from './api/paradime-api.js';
import { HOUR, MINUTE, PARADIME_LIMITS } from './limits.js';
import { ParadimeResults } from './results/results-reader.js';
import { checkSweepOptions, type SweepSettings } from './sweep/sweep-options.js';
import { Sweep } from './sweep/sweep.js';

/** Options for {@link openParadimeApi}. */
export interface ParadimeApiSetup {
  readonly api: unknown;
  readonly sweep: unknown;
  /** Goes before the name of an option in errors. */
  readonly option: string;
  readonly host: ApiHost;
  /** Time between calls, for tests. */
  readonly time?: GateTime;
}

/**
 * Opens the access to Paradime's API. Without the option `api` there is none.
 *
 * @throws {ConfigurationError} if an option is invalid, or `sweep` lacks what it needs.
 */
export function openParadimeApi({ api, sweep, option, host, time }: ParadimeApiSetup): ProviderApi | undefined {
  if (api === undefined) {
    if (sweep === undefined) return undefined;
    throw new ConfigurationError(`${option}.sweep`, 'expected the option api as well, got undefined');
  }
  const access = checkApiOptions(api, `${option}.api`);
  const settings = checkSweepOptions(sweep, `${option}.sweep`);
  if (sweep !== undefined && access.workspace === undefined) {
    throw new ConfigurationError(
      `${option}.api.workspace`,
      'expected the uid of the workspace, because sweep needs it, got undefined',
    );
  }
  const client = new ParadimeApi(access, host, time);
  return { client, results: new ParadimeResults(client), ...sweepsOf(client, access, settings) };
}

function sweepsOf(
  client: ParadimeApi,
  { origin, workspace }: ParadimeApiAccess,
  settings: SweepSettings,
): Pick<ProviderApi, 'rounds' | 'sweeps' | 'switchedOff' | 'scope'> {
  if (workspace === undefined) {
    return {
      rounds: [],
      switchedOff: ['No sweeps look for lost webhooks. Set api.workspace to the uid of the workspace'],
    };
  }
  const { schedulesEveryMs, allEveryMs } = PARADIME_LIMITS;
  const { schedules } = settings;
  const jobs = schedules === undefined ? 'all schedules' : `schedules ${schedules.join(', ')}`;
  return {
    rounds: new Sweep(client, workspace, settings).rounds,
    sweeps:
      `${jobs} of workspace ${workspace}, those with news every ${schedulesEveryMs / MINUTE} min, ` +
      `all every ${allEveryMs / HOUR} h`,
    switchedOff: [
      "Paradime's API reports no environment of a schedule. Filters on environment do not match runs that only a sweep found",
    ],
    scope: [{ account: `${new URL(origin).host}/${workspace}`, ...(schedules && { jobs: schedules }) }],
  };
}
