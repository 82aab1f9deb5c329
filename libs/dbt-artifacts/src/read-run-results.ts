import type { ArtifactBytes, ArtifactOptions, ArtifactReading } from './artifact.js';

/**
 * Reads `run_results.json` of any version of dbt, or what Fusion writes under that name. Never throws because of the content.
 */
export function readRunResults(_bytes: ArtifactBytes, _options: ArtifactOptions): Promise<ArtifactReading> {
  throw new Error('not written yet');
}

/** Reads `sources.json`. Never throws because of the content. */
export function readSources(_bytes: ArtifactBytes, _options: ArtifactOptions): Promise<ArtifactReading> {
  throw new Error('not written yet');
}
