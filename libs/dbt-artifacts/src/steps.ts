import type { MissingResultsReason, MissingStep, NodeResult, NodeStep } from 'nestjs-runhooks/core';
import type { ArtifactReading } from './artifact.js';

/** Files of one step of a run, in the order of the steps. */
export interface StepFiles {
  readonly step: NodeStep;
  /** What was read of its files: `run_results.json`, then `sources.json`, as far as they exist. */
  readonly files: readonly ArtifactReading[];
}

/** Nodes of all steps of a run. */
export type MergedSteps =
  | {
      readonly state: 'available';
      readonly nodes: readonly NodeResult[];
      readonly unreadableRows: number;
      readonly missingSteps: readonly MissingStep[];
      readonly dbtVersion?: string;
      readonly generatedAt?: Date;
      readonly target?: string;
    }
  | { readonly state: 'missing'; readonly reason: MissingResultsReason };

/**
 * Returns what the nodes of a run came to, from the files of its steps. Of several steps that executed a node, the last one
 * wins, and `skipped` never replaces another outcome. Steps whose command executes no nodes (`generate`, `compile`, `parse`,
 * `list`) are left out, and so are files that were written before the run began.
 */
export function mergeSteps(_steps: readonly StepFiles[], _run: { readonly startedAt?: Date | undefined }): MergedSteps {
  throw new Error('not written yet');
}
