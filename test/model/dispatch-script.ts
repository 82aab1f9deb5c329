import fc from 'fast-check';
import { RUN_SIGNAL_TYPES, type RunSignalType } from 'nestjs-runhooks/core';
import { HOUR, SECOND } from './script.js';

/** What a handler does in an attempt. `slow` lets others go first, `timeout` stops when told to, `deaf` never does. */
export type Behaviour = 'ok' | 'slow' | 'fail' | 'throw undefined' | 'permanent' | 'later' | 'timeout' | 'deaf';

export const LATER_MS = 5 * SECOND;

export interface HandlerPlan {
  readonly id: string;
  readonly types: readonly string[];
  readonly attemptsMax: number;
  /** Bound of the delay after a failure. */
  readonly delayMs: number;
  readonly serialize?: 'run' | 'job';
  readonly concurrency?: number;
  /** By run and attempt, beginning again after the last. */
  readonly does: readonly Behaviour[];
}

/** What happens to a process in the middle of an attempt: `stop` is an orderly shutdown, which aborts it. */
export type Mishap = 'kill' | 'stop' | 'clock on an hour' | 'clock back an hour';

export type DispatchStep =
  | { readonly do: 'send'; readonly id: string; readonly run: number; readonly says: readonly RunSignalType[] }
  | { readonly do: 'work' }
  | { readonly do: 'work'; readonly atCall: number; readonly mishap: Mishap }
  | { readonly do: 'restart' }
  | { readonly do: 'redrive' }
  | { readonly do: 'clock'; readonly ms: number };

export interface DispatchScript {
  readonly handlers: readonly HandlerPlan[];
  readonly steps: readonly DispatchStep[];
}

/** What a handler does about a run in its attempt of that number. */
export function behaviourOf({ does }: HandlerPlan, run: number, attempt: number): Behaviour {
  return does[(run + attempt - 1) % does.length] ?? 'ok';
}

/** Is told of all dead letters, and never fails. */
export const TOLD: HandlerPlan = {
  id: 'told',
  types: ['delivery.dead'],
  attemptsMax: 1,
  delayMs: 0,
  does: ['ok'],
};

const TYPES_OF = {
  early: ['run.started', 'run.failed'],
  late: ['run.failed', 'run.succeeded', 'run.completed'],
  all: RUN_SIGNAL_TYPES,
} as const;

const behaviour = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom<Behaviour>('ok', 'slow') },
  { weight: 4, arbitrary: fc.constantFrom<Behaviour>('fail', 'throw undefined') },
  { weight: 2, arbitrary: fc.constantFrom<Behaviour>('permanent', 'later', 'timeout', 'deaf') },
);

const handler = (id: keyof typeof TYPES_OF): fc.Arbitrary<HandlerPlan> =>
  fc
    .record(
      {
        id: fc.constant(id),
        types: fc.constant(TYPES_OF[id]),
        attemptsMax: fc.integer({ min: 1, max: 4 }),
        delayMs: fc.constantFrom(0, 10 * SECOND),
        serialize: fc.constantFrom('run', 'job'),
        concurrency: fc.integer({ min: 1, max: 2 }),
        does: fc.array(behaviour, { minLength: 1, maxLength: 4 }),
      },
      { requiredKeys: ['id', 'types', 'attemptsMax', 'delayMs', 'does'] },
    )
    .map((plan) => ({ ...plan, does: plan.does.map((one) => fitting(one, plan)) }));

/** A handler that never stops keeps its place for good, so it must not be the only one; and the time of a slow one must not be up. */
function fitting(one: Behaviour, { concurrency, does }: HandlerPlan): Behaviour {
  if (one === 'deaf' && concurrency !== undefined) return 'timeout';
  if (one === 'slow' && does.some((other) => other === 'timeout' || other === 'deaf')) return 'ok';
  return one;
}

const step: fc.Arbitrary<DispatchStep> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('send' as const),
      id: fc.constantFrom('', 'x', 'y'),
      run: fc.nat({ max: 2 }),
      says: fc.constantFrom<readonly RunSignalType[]>(
        ['run.started'],
        ['run.failed'],
        ['run.failed', 'run.completed'],
        ['run.succeeded', 'run.completed'],
      ),
    }),
  },
  { weight: 2, arbitrary: fc.constant({ do: 'work' as const }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('work' as const),
      atCall: fc.integer({ min: 1, max: 6 }),
      mishap: fc.constantFrom<Mishap>('kill', 'kill', 'stop', 'clock on an hour', 'clock back an hour'),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ do: 'restart' as const }) },
  { weight: 1, arbitrary: fc.constant({ do: 'redrive' as const }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('clock' as const),
      ms: fc.constantFrom(SECOND, 30 * SECOND, HOUR, -SECOND, -HOUR),
    }),
  },
);

export const dispatchScript: fc.Arbitrary<DispatchScript> = fc.record({
  handlers: fc.tuple(handler('early'), handler('late'), handler('all')),
  steps: fc.array(step, { maxLength: 25, size: 'max' }),
});
