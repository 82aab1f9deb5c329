import type { ArtifactBytes, ArtifactOptions, ArtifactReading } from './artifact.js';
import { artifactSlices } from './artifact-slices.js';
import { JsonCutter } from './json-cutter.js';
import { ResultsFile } from './results-file.js';
import { UnreadableFile } from './unreadable-file.js';

/**
 * Reads `run_results.json` of any version of dbt, or what Fusion writes under that name. Never throws because of the content.
 * Rows are parsed one by one, so that a large file neither blocks the event loop nor needs much memory.
 *
 * Rejects with the error of the stream, or with the reason of the signal.
 */
export async function readRunResults(bytes: ArtifactBytes, options: ArtifactOptions): Promise<ArtifactReading> {
  const file = new ResultsFile();
  const cutter = new JsonCutter(file);
  try {
    for await (const slice of artifactSlices(bytes, options)) cutter.push(slice);
    cutter.end();
    return file.end();
  } catch (error) {
    if (error instanceof UnreadableFile) return { isReadable: false, reason: error.reason };
    throw error;
  }
}

/**
 * Reads `sources.json`. Never throws because of the content. The message of a source that is not fresh is made from its age
 * and its limits, because dbt writes none. A file without rows says nothing: dbt leaves out sources that it could not query.
 *
 * Rejects with the error of the stream, or with the reason of the signal.
 */
export function readSources(bytes: ArtifactBytes, options: ArtifactOptions): Promise<ArtifactReading> {
  return readRunResults(bytes, options);
}
