import { isProviderApiError } from 'nestjs-runhooks/core';
import { type ArtifactReading, readRunResults, readSources } from 'nestjs-runhooks/dbt-artifacts';
import type { DbtCloudApiStep } from '../api/api-objects.js';
import type { DbtCloudApi } from '../api/dbt-cloud-api.js';
import { workOf } from '../dbt-step.js';
import { DBT_CLOUD_LIMITS } from '../limits.js';

const READERS = { 'run_results.json': readRunResults, 'sources.json': readSources } as const;

/** Step to read. */
export interface StepToRead {
  readonly runId: string;
  readonly step: DbtCloudApiStep;
  readonly signal: AbortSignal;
}

/**
 * Reads the results that the command of a step writes: `sources.json` of source freshness, and `run_results.json` of any other
 * command. If that file is missing, reads the other one. Returns `undefined` if both are missing.
 *
 * @throws {ProviderApiError} for any other failure of a call
 */
export async function readStep(api: DbtCloudApi, wanted: StepToRead): Promise<ArtifactReading | undefined> {
  if (workOf(wanted.step) === 'freshness') {
    return (await readFile(api, wanted, 'sources.json')) ?? readFile(api, wanted, 'run_results.json');
  }
  return (await readFile(api, wanted, 'run_results.json')) ?? readFile(api, wanted, 'sources.json');
}

async function readFile(
  api: DbtCloudApi,
  { runId, step, signal }: StepToRead,
  name: keyof typeof READERS,
): Promise<ArtifactReading | undefined> {
  const options = { signal, bytesMax: DBT_CLOUD_LIMITS.resultsBytesMax };
  try {
    // Without a step, dbt Cloud sends the file of the last one, which often is that of `dbt docs generate`.
    const bytes = await api.artifactStream(runId, name, { ...options, step: step.index });
    return await READERS[name](bytes, options);
  } catch (error) {
    if (!isProviderApiError(error)) throw error;
    if (error.reason === 'not-found') return undefined;
    if (error.reason === 'too-large') return { isReadable: false, reason: 'too-large' };
    throw error;
  }
}
