import type { ArtifactBytes, ArtifactOptions, ManifestNode } from './artifact.js';
import { artifactSlices } from './artifact-slices.js';
import { JsonCutter } from './json-cutter.js';
import { ManifestFile } from './manifest-file.js';
import { UnreadableFile } from './unreadable-file.js';

/**
 * Finds nodes, sources and other entries of `manifest.json` by `unique_id`, without keeping the file in memory. Ids that the file
 * does not contain are not in the map. Returns `undefined` if the file is not what dbt writes, or is too large.
 *
 * Rejects with the error of the stream, or with the reason of the signal.
 */
export async function readManifestNodes(
  bytes: ArtifactBytes,
  uniqueIds: readonly string[],
  options: ArtifactOptions,
): Promise<ReadonlyMap<string, ManifestNode> | undefined> {
  const file = new ManifestFile(uniqueIds);
  const cutter = new JsonCutter(file);
  try {
    for await (const slice of artifactSlices(bytes, options)) cutter.push(slice);
    cutter.end();
    return file.end();
  } catch (error) {
    if (error instanceof UnreadableFile) return undefined;
    throw error;
  }
}
