export type {
  ArtifactBytes,
  ArtifactOptions,
  ArtifactReading,
  ManifestNode,
  ReadArtifact,
  UnreadableArtifact,
} from './artifact.js';
export { msUntilNextLook } from './next-look.js';
export { nodeStepOf } from './node-step.js';
export { readManifestNodes } from './read-manifest.js';
export { readRunResults, readSources } from './read-run-results.js';
export { type MergedSteps, mergeSteps, type StepFiles } from './steps.js';
