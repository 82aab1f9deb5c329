import type { FakeDbtStatus } from './fake-dbt-run.js';

/** Step of a run. */
export interface StepState {
  readonly index: number;
  readonly name: string;
  readonly status: FakeDbtStatus;
  readonly logs: string;
}

/** Part of a run that changes. */
export interface RunState {
  readonly status: FakeDbtStatus;
  readonly message: string | null;
  readonly updatedAt: Date;
  readonly startedAt: Date | null;
  readonly finishedAt: Date | null;
  /** When its artifacts are available; null if the run has none. */
  readonly artifactsAt: Date | null;
  readonly steps: readonly StepState[];
}

/** Name of the step that runs a command of dbt. */
export function stepNameOf(command: string): string {
  return `Invoke dbt with \`${command}\``;
}

/** Steps before those of the job: clone, profile, dependencies. */
export const STEPS_BEFORE = [
  'Clone git repository',
  'Create profile from connection Warehouse',
  stepNameOf('dbt deps'),
];

/** Returns the names of all steps of a run. The index of a step is its place, from 1. */
export function stepNames(commands: readonly string[]): readonly string[] {
  return [...STEPS_BEFORE, ...commands.map(stepNameOf)];
}

/**
 * Returns the index of a step, which is a command, the name of a step, or an index in digits. A command of the job comes before
 * those that dbt Cloud adds.
 *
 * @throws RangeError if there is no such step.
 */
export function stepIndexOf(commands: readonly string[], option: string, step: string): number {
  const names = stepNames(commands);
  const ofCommand = commands.indexOf(step);
  const ofName = names.findIndex((name) => name === step || name === stepNameOf(step));
  const place = ofCommand === -1 ? ofName : STEPS_BEFORE.length + ofCommand;
  const index = /^\d+$/.test(step) ? Number(step) : place + 1;
  if (index >= 1 && index <= names.length) return index;
  const expected = [...commands, ...STEPS_BEFORE].join(', ');
  throw new RangeError(`${option}: expected one of ${expected}, got ${JSON.stringify(step)}`);
}

/**
 * Returns the steps that a run has started when it ends: all up to the one that failed.
 *
 * @param failed index of the step that failed, or `undefined` if none did
 */
export function endedSteps(commands: readonly string[], failed: number | undefined, logs?: string): StepState[] {
  return stepNames(commands)
    .slice(0, failed)
    .map((name, place) => {
      const hasFailed = place + 1 === failed;
      return {
        index: place + 1,
        name,
        status: hasFailed ? 20 : 10,
        logs: hasFailed ? (logs ?? `${name} failed\n`) : `${name} succeeded\n`,
      };
    });
}
