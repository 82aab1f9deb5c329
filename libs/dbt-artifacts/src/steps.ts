import {
  defined,
  type MissingResultsReason,
  type MissingStep,
  type NodeResult,
  type NodeStep,
  timers,
} from 'nestjs-runhooks/core';
import type { ArtifactReading, ReadArtifact } from './artifact.js';
import { ARTIFACT_LIMITS } from './limits.js';

/** Files of one step of a run, in the order of the steps. */
export interface StepFiles {
  readonly step: NodeStep;
  /**
   * What was read of its files: `run_results.json`, then `sources.json`, as far as they exist. Leave out steps that need no
   * file, such as `dbt deps`: a step without files counts as missing.
   */
  readonly files: readonly ArtifactReading[];
  /**
   * Whether the step failed. If none of its nodes did, the results of what failed are missing: dbt leaves out sources that it
   * could not query, and some versions leave out hooks or all nodes that failed.
   * @default false
   */
  readonly hasFailed?: boolean;
}

/** Nodes of all steps of a run. */
export type MergedSteps =
  | {
      readonly state: 'available';
      /** At least one node, each once, in the order of the files. */
      readonly nodes: readonly NodeResult[];
      readonly unreadableRows: number;
      readonly missingSteps: readonly MissingStep[];
      readonly dbtVersion?: string;
      readonly generatedAt?: Date;
      readonly target?: string;
    }
  | { readonly state: 'missing'; readonly reason: MissingResultsReason };

/** Commands, in the words of `args.which`, that write `run_results.json` but execute no nodes. */
const COMMANDS_WITHOUT_NODES: ReadonlySet<string> = new Set(['generate', 'compile', 'parse', 'list', 'ls', 'show']);

/** Reasons of missing steps. If no step has results, the first one that occurs becomes that of the run. */
const MISSING_REASONS = ['too-large', 'unreadable', 'stale', 'not-written'] as const;

/**
 * Returns what the nodes of a run came to, from the files of its steps. Of several steps that executed a node, the last one
 * wins, and `skipped` never replaces another outcome. Steps whose command executes no nodes (`generate`, `compile`, `parse`,
 * `list`, `show`) are left out. So are files that were written before the run began, and files of an earlier step that
 * remained in the target folder.
 *
 * If no step has nodes, the result is missing: because of the steps that are missing, else because nothing ran. Lets the event
 * loop do other work between some thousand nodes.
 */
export async function mergeSteps(
  steps: readonly StepFiles[],
  run: { readonly startedAt?: Date | undefined },
): Promise<MergedSteps> {
  const merged = new MergedNodes(run.startedAt);
  for (const step of steps) await merged.add(step);
  return merged.end(steps.length > 0);
}

type MissingStepReason = (typeof MISSING_REASONS)[number];

class MergedNodes {
  readonly #startedAt: Date | undefined;
  readonly #nodes = new Map<string, NodeResult>();
  readonly #missing: { readonly step: NodeStep; readonly reason: MissingStepReason }[] = [];
  /** Files of earlier steps. */
  readonly #earlier: ReadArtifact[] = [];
  #latest: { dbtVersion?: string; target?: string } = {};
  #generatedAt: Date | undefined;
  #unreadableRows = 0;

  constructor(startedAt: Date | undefined) {
    this.#startedAt = startedAt;
  }

  async add({ step, files, hasFailed = false }: StepFiles): Promise<void> {
    const readable = files.filter((file) => file.isReadable);
    const current = readable.filter((file) => !this.#isStale(file));
    const unreadable = files.find((file) => !file.isReadable);
    if (unreadable) this.#missing.push({ step, reason: unreadable.reason });
    else if (current.length === 0) this.#missing.push({ step, reason: files.length === 0 ? 'not-written' : 'stale' });
    else if (hasFailed && !current.some(hasFailedNode)) this.#missing.push({ step, reason: 'not-written' });
    for (const file of current) await this.#addFile(step, file);
    this.#earlier.push(...readable);
  }

  end(hasSteps: boolean): MergedSteps {
    if (this.#nodes.size === 0) {
      const reasons = this.#missing.map(({ reason }) => reason);
      const none = hasSteps ? 'nothing-ran' : 'not-written';
      return { state: 'missing', reason: MISSING_REASONS.find((reason) => reasons.includes(reason)) ?? none };
    }
    return {
      state: 'available',
      nodes: [...this.#nodes.values()],
      unreadableRows: this.#unreadableRows,
      missingSteps: this.#missing,
      ...this.#latest,
      ...defined({ generatedAt: this.#generatedAt }),
    };
  }

  async #addFile(step: NodeStep, file: ReadArtifact): Promise<void> {
    if (COMMANDS_WITHOUT_NODES.has(file.which ?? '')) return;
    for (const [index, node] of file.nodes.entries()) {
      if (index % ARTIFACT_LIMITS.mergedNodesMax === ARTIFACT_LIMITS.mergedNodesMax - 1) await timers.turn();
      this.#addNode(step, node);
    }
    this.#unreadableRows += file.unreadableRows;
    const { dbtVersion, target, generatedAt } = file;
    this.#latest = { ...this.#latest, ...defined({ dbtVersion, target }) };
    if (generatedAt && !(this.#generatedAt && generatedAt < this.#generatedAt)) this.#generatedAt = generatedAt;
  }

  #addNode(step: NodeStep, node: NodeResult): void {
    if (this.#nodes.has(node.uniqueId)) {
      if (node.outcome === 'skipped') return;
      // Without the removal, the node would keep the place of its earlier result.
      this.#nodes.delete(node.uniqueId);
    }
    // In this order the copy takes a quarter of the time, which counts for 50,000 nodes.
    this.#nodes.set(node.uniqueId, { step, ...node });
  }

  /** Whether a file was written before the run began, or is one of an earlier step. */
  #isStale(file: ReadArtifact): boolean {
    if (this.#earlier.some((earlier) => isSameFile(earlier, file))) return true;
    if (!file.generatedAt || !this.#startedAt) return false;
    return file.generatedAt.getTime() < this.#startedAt.getTime() - ARTIFACT_LIMITS.clockSkewMsMax;
  }
}

/** Returns whether a file has a node that can have made its step fail. */
function hasFailedNode({ nodes }: ReadArtifact): boolean {
  return nodes.some(({ outcome }) => outcome === 'failed' || outcome === 'unknown');
}

/** Compares the contents too, because the metadata of a file that dbt did not write can be the same for all steps. */
function isSameFile(first: ReadArtifact, second: ReadArtifact): boolean {
  if (first.invocationId === undefined || first.invocationId !== second.invocationId) return false;
  if (first.generatedAt?.getTime() !== second.generatedAt?.getTime()) return false;
  if (first.nodes.length !== second.nodes.length) return false;
  return first.nodes.every((node, index) => isSameResult(node, second.nodes[index]));
}

function isSameResult(first: NodeResult, second: NodeResult | undefined): boolean {
  return (
    first.uniqueId === second?.uniqueId && first.status === second.status && first.executionMs === second.executionMs
  );
}
