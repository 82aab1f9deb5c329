import type { ArtifactBytes, ArtifactOptions, ManifestNode } from './artifact.js';

/**
 * Finds nodes, sources and other entries of `manifest.json` by `unique_id`, without keeping the file in memory. Returns
 * `undefined` if the file is not what dbt writes, or is too large.
 */
export function readManifestNodes(
  _bytes: ArtifactBytes,
  _uniqueIds: readonly string[],
  _options: ArtifactOptions,
): Promise<ReadonlyMap<string, ManifestNode> | undefined> {
  throw new Error('not written yet');
}
