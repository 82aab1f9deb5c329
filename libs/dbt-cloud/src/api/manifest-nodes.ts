import { isProviderApiError } from 'nestjs-runhooks/core';
import { type ManifestNode, readManifestNodes } from 'nestjs-runhooks/dbt-artifacts';
import { workOf } from '../dbt-step.js';
import { DBT_CLOUD_LIMITS } from '../limits.js';
import type { DbtCloudApiRun } from './api-objects.js';
import type { DbtCloudArtifactOptions, DbtCloudCallOptions, DbtCloudManifestOptions } from './call-options.js';

/** Nodes to find in the manifest of a run. */
export interface ManifestRequest extends DbtCloudManifestOptions {
  readonly runId: string;
  readonly uniqueIds: readonly string[];
}

/** Calls of the client that the search makes. */
interface ManifestCalls {
  run(id: string, options: DbtCloudCallOptions & { readonly steps: true }): Promise<DbtCloudApiRun>;
  artifactStream(
    runId: string,
    path: string,
    options: DbtCloudArtifactOptions & { readonly bytesMax: number },
  ): Promise<AsyncIterable<Uint8Array>>;
}

type Nodes = ReadonlyMap<string, ManifestNode>;

/**
 * Finds nodes in the manifest of a run. All steps write to the same directory, so the last one has the manifest, except if it
 * ran no dbt or died early: then the steps before it are tried, the last one first.
 */
export async function findManifestNodes(api: ManifestCalls, request: ManifestRequest): Promise<Nodes> {
  const { runId, uniqueIds, step, signal } = request;
  if (uniqueIds.length === 0) return new Map();
  const found = await nodesOfStep(api, request, step);
  if (found) return found;
  const { steps = [] } = step === undefined ? await api.run(runId, { steps: true, signal }) : {};
  const others = steps.slice(0, -1).filter((other) => workOf(other) !== 'setup');
  for (const { index } of others.toReversed()) {
    const nodes = await nodesOfStep(api, request, index);
    if (nodes) return nodes;
  }
  return new Map();
}

/** Returns `undefined` if the step has no manifest. */
async function nodesOfStep(
  api: ManifestCalls,
  { runId, uniqueIds, signal }: ManifestRequest,
  step: number | undefined,
): Promise<Nodes | undefined> {
  const options = { signal, bytesMax: DBT_CLOUD_LIMITS.manifestBytesMax };
  try {
    const bytes = await api.artifactStream(runId, 'manifest.json', { ...options, ...(step !== undefined && { step }) });
    return (await readManifestNodes(bytes, uniqueIds, options)) ?? new Map();
  } catch (error) {
    if (!isProviderApiError(error)) throw error;
    if (error.reason === 'not-found') return undefined;
    if (error.reason === 'too-large') return new Map();
    throw error;
  }
}
