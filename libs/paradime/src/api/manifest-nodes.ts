import { isProviderApiError } from 'nestjs-runhooks/core';
import { type ManifestNode, readManifestNodes } from 'nestjs-runhooks/dbt-artifacts';
import { PARADIME_LIMITS } from '../limits.js';
import type { ParadimeApiArtifact } from './api-objects.js';
import type { ParadimeApi } from './paradime-api.js';

type Files = Pick<ParadimeApi, 'artifactStream'>;
type Nodes = ReadonlyMap<string, ManifestNode>;

/**
 * Finds nodes in the first manifest that is there.
 *
 * @param artifacts the files of one command after the other, which are listed as long as no manifest is found
 */
export async function findManifestNodes(
  api: Files,
  uniqueIds: readonly string[],
  artifacts: AsyncIterable<readonly ParadimeApiArtifact[]>,
  signal: AbortSignal | undefined,
): Promise<Nodes> {
  for await (const ofCommand of artifacts) {
    const manifest = ofCommand.find(({ path }) => /(?:^|\/)manifest\.json$/.test(path));
    const nodes = manifest && (await nodesOf(api, uniqueIds, manifest, signal));
    if (nodes) return nodes;
  }
  return new Map();
}

/** Returns `undefined` if the file is listed, but not there. */
async function nodesOf(
  api: Files,
  uniqueIds: readonly string[],
  manifest: ParadimeApiArtifact,
  signal: AbortSignal | undefined,
): Promise<Nodes | undefined> {
  const options = { bytesMax: PARADIME_LIMITS.manifestBytesMax, signal };
  try {
    const bytes = await api.artifactStream(manifest, options);
    return (await readManifestNodes(bytes, uniqueIds, options)) ?? new Map();
  } catch (error) {
    if (!isProviderApiError(error)) throw error;
    if (error.reason === 'not-found') return undefined;
    if (error.reason === 'too-large') return new Map();
    throw error;
  }
}
