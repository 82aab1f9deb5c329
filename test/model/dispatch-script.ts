import fc from 'fast-check';
import type { RunSignalType } from 'nestjs-runhooks/core';
import { RUN_SIGNAL_TYPES } from 'nestjs-runhooks/internal';
import { HOUR, SECOND } from './script.js';

/**
 * Behavior of a handler in an attempt. `slow` lets others run first, `timeout` stops when aborted, `deaf` never stops.
 */
export type Behavior = 'ok' | 'slow' | 'fail' | 'throw undefined' | 'permanent' | 'later' | 'timeout' | 'deaf';

export const LATER_MS = 5 * SECOND;

export interface HandlerPlan {
  readonly id: string;
  readonly types: readonly string[];
  readonly attemptsMax: number;
  /** Maximum delay after a failure. */
  readonly delayMs: number;
  readonly serialize?: 'run' | 'job';
  readonly concurrency?: number;
  /** Behaviors by run and attempt, repeated after the last one. */
  readonly does: readonly Behavior[];
}

/** An interruption of a process during an attempt. `stop` is an orderly shutdown, which aborts the attempt. */
export type Mishap = 'kill' | 'stop' | 'clock on an hour' | 'clock back an hour';

export type DispatchStep =
  | { readonly do: 'send'; readonly id: string; readonly run: number; readonly reports: readonly RunSignalType[] }
  | { readonly do: 'work' }
  | { readonly do: 'work'; readonly atCall: number; readonly mishap: Mishap }
  | { readonly do: 'restart' }
  | { readonly do: 'redrive' }
  | { readonly do: 'clock'; readonly ms: number };

export interface DispatchScript {
  readonly handlers: readonly HandlerPlan[];
  readonly steps: readonly DispatchStep[];
}

/** Returns what a handler does about a run in the given attempt. */
export function behaviorOf({ does }: HandlerPlan, run: number, attempt: number): Behavior {
  return does[(run + attempt - 1) % does.length] ?? 'ok';
}

/** A handler of all dead letters that never fails. */
export const DEAD_LETTERS: HandlerPlan = {
  id: 'dead-letters',
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

const behavior = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom<Behavior>('ok', 'slow') },
  { weight: 4, arbitrary: fc.constantFrom<Behavior>('fail', 'throw undefined') },
  { weight: 2, arbitrary: fc.constantFrom<Behavior>('permanent', 'later', 'timeout', 'deaf') },
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
        does: fc.array(behavior, { minLength: 1, maxLength: 4 }),
      },
      { requiredKeys: ['id', 'types', 'attemptsMax', 'delayMs', 'does'] },
    )
    .map((plan) => ({ ...plan, does: plan.does.map((one) => fitting(one, plan)) }));

/**
 * Replaces a behavior that would block the script: a deaf handler keeps its slot forever, so it needs a second slot,
 * and a slow handler must not time out.
 */
function fitting(one: Behavior, { concurrency, does }: HandlerPlan): Behavior {
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
      reports: fc.constantFrom<readonly RunSignalType[]>(
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
