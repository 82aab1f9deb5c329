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

/**
 * Returns the steps that a run has started when it ends: all up to the one that failed.
 *
 * @param failed index of the command that failed, or `undefined` if none did
 */
export function endedSteps(commands: readonly string[], failed: number | undefined, logs?: string): StepState[] {
  const names = [...STEPS_BEFORE, ...commands.map(stepNameOf)];
  const last = failed === undefined ? names.length - 1 : STEPS_BEFORE.length + failed;
  return names.slice(0, last + 1).map((name, index) => {
    const hasFailed = failed !== undefined && index === last;
    return {
      index: index + 1,
      name,
      status: hasFailed ? 20 : 10,
      logs: hasFailed ? (logs ?? `${name} failed\n`) : `${name} succeeded\n`,
    };
  });
}
