import {
  isProviderApiError,
  type MissingResultsReason,
  type ResultsContext,
  ResultsNotReadyError,
  type ResultsReader,
  type ResultsReading,
  type Run,
} from 'nestjs-runhooks/core';
import {
  type ArtifactReading,
  mergeSteps,
  msUntilNextLook,
  nodeStepOf,
  type StepFiles,
} from 'nestjs-runhooks/dbt-artifacts';
import type { DbtCloudApiRun, DbtCloudApiStep } from '../api/api-objects.js';
import type { DbtCloudApi } from '../api/dbt-cloud-api.js';
import { workOf, workOfCommand } from '../dbt-step.js';
import { STATUS_CODE } from '../status.js';
import { isIsolated } from './is-isolated.js';
import { readStep } from './read-step.js';

/**
 * Reads results of runs of dbt Cloud from the artifacts of their steps.
 *
 * A reading costs one call for the run and one for each step whose command executes nodes, and one more for each of these
 * that lacks its file. Until ten minutes after the end of the run, artifacts that are not saved are waited for, and so is the
 * file of a step that failed: it can appear minutes later.
 */
export class DbtCloudResultsReader implements ResultsReader {
  readonly #api: DbtCloudApi;

  constructor(api: DbtCloudApi) {
    this.#api = api;
  }

  async read(run: Run, context: ResultsContext): Promise<ResultsReading> {
    const { signal } = context;
    const found = await this.#find(run, context);
    const setting = { isIsolated: isIsolated(run, found) };
    if (found.status === STATUS_CODE.cancelled) return { ...setting, state: 'missing', reason: 'canceled' };
    const requireNow = waitOf(run, found, context.now());
    if (!found.isComplete) requireNow(`the end of run ${run.id}`);
    const steps = stepsWithNodes(found);
    if (steps.length === 0) return { ...setting, state: 'missing', reason: reasonWithoutSteps(found) };
    if (!found.artifactsSaved) requireNow(`saved artifacts of run ${run.id}`);
    const files: StepFiles[] = [];
    // The step that failed usually is the last one. If its file is missing, those of the others are not read in vain.
    for (const step of steps.toReversed()) {
      const file = await readStep(this.#api, { runId: run.id, step, signal });
      const hasFailed = step.status === STATUS_CODE.error;
      if (!file && hasFailed) requireNow(`results of step ${step.index} of run ${run.id}`);
      files.unshift({
        step: nodeStepOf(String(step.index), step.name),
        files: file && !isLeftover(file, step, found) ? [file] : [],
        hasFailed,
      });
    }
    const { startedAt = run.startedAt } = found;
    return { ...setting, ...(await mergeSteps(files, { startedAt })) };
  }

  async #find(run: Run, context: ResultsContext): Promise<DbtCloudApiRun> {
    try {
      return await this.#api.run(run.id, { steps: true, signal: context.signal });
    } catch (error) {
      // The run may be new, be deleted, or belong to another account or to a project that the token cannot read.
      if (isProviderApiError(error) && error.reason === 'not-found') waitOf(run, {}, context.now())(`run ${run.id}`);
      throw error;
    }
  }
}

/**
 * Returns whether a file is a leftover of `dbt docs generate` or `dbt compile` before the step: all steps write to the same
 * directory, so that a step that died early shows the file of the step before it.
 */
function isLeftover(file: ArtifactReading, step: DbtCloudApiStep, { steps = [] }: DbtCloudApiRun): boolean {
  const isInspection = file.isReadable && file.which !== undefined && workOfCommand(file.which) === 'inspection';
  return isInspection && steps.some((other) => other.index < step.index && workOf(other) === 'inspection');
}

/** Returns a function that throws {@link ResultsNotReadyError} while what is missing can still appear. */
function waitOf(
  run: Run,
  { finishedAt, updatedAt }: Pick<DbtCloudApiRun, 'finishedAt' | 'updatedAt'>,
  now: Date,
): (missing: string) => void {
  const endedAt = finishedAt ?? run.finishedAt ?? updatedAt;
  const delayMs = endedAt && msUntilNextLook(endedAt, now);
  return (missing) => {
    if (delayMs !== undefined) throw new ResultsNotReadyError(delayMs, `dbt Cloud: expected ${missing}, got none yet`);
  };
}

/** Returns the steps whose commands can have executed nodes, in their order. */
function stepsWithNodes({ steps = [] }: DbtCloudApiRun): readonly DbtCloudApiStep[] {
  const hasEnded = ({ status = STATUS_CODE.success }: DbtCloudApiStep) => status >= STATUS_CODE.success;
  return steps.filter((step) => hasNodes(step) && hasEnded(step)).toSorted((a, b) => a.index - b.index);
}

function hasNodes(step: DbtCloudApiStep): boolean {
  const work = workOf(step);
  return work === 'nodes' || work === 'freshness';
}

/** A run that failed in its setup would have executed nodes later, and one without steps is not known to have executed none. */
function reasonWithoutSteps({ status, steps = [] }: DbtCloudApiRun): MissingResultsReason {
  if (steps.length === 0 || steps.some(hasNodes)) return 'not-written';
  const isInspection = steps.some((step) => workOf(step) === 'inspection');
  return status === STATUS_CODE.success || isInspection ? 'nothing-ran' : 'not-written';
}
