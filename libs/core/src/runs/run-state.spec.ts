import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { RunSignalType } from './run-signal.js';
import type { RunOutcome } from './run.js';
import { advanceRun, type RunState, type RunFacts } from './run-state.js';

const STARTED: RunSignalType[] = ['run.started'];
const ERRORED: RunSignalType[] = ['run.failed'];
const SUCCEEDED: RunSignalType[] = ['run.succeeded', 'run.completed'];
const FAILED: RunSignalType[] = ['run.failed', 'run.completed'];
const CANCELED: RunSignalType[] = ['run.canceled', 'run.completed'];
/** Over, but in a status that is no outcome. */
const OVER: RunSignalType[] = ['run.completed'];

const OUTCOMES: Record<RunOutcome, RunSignalType[][]> = {
  succeeded: [STARTED, SUCCEEDED],
  failed: [STARTED, ERRORED, FAILED],
  canceled: [STARTED, CANCELED],
};
const OUTCOME_TYPES: readonly string[] = ['run.succeeded', 'run.failed', 'run.canceled'];

const facts = (types: readonly RunSignalType[], more: Partial<RunFacts> = {}): RunFacts => ({
  jobKey: 'job',
  types,
  ...more,
});

/** Returns the steps of a run after its messages, in order. */
function advance(messages: readonly (readonly RunSignalType[])[]) {
  const steps: ReturnType<typeof advanceRun>[] = [];
  let known: RunState | undefined;
  for (const types of messages) {
    const step = advanceRun(known, facts(types));
    known = step.state;
    steps.push(step);
  }
  return { steps, state: known, events: steps.flatMap(({ newTypes }) => newTypes) };
}

/** Messages of one run in any order, any of them lost, any of them more than once. */
const anyOrder = (messages: readonly RunSignalType[][]) => fc.array(fc.constantFrom(...messages), { maxLength: 12 });
const anyMessages = anyOrder([STARTED, ERRORED, SUCCEEDED, FAILED, CANCELED, OVER]);

describe('advanceRun, for any order, repetition or loss of messages', () => {
  it('reports each event type at most once and keeps all of them in the state', () => {
    fc.assert(
      fc.property(anyMessages, (messages) => {
        const { events, state } = advance(messages);
        expect(new Set(events).size).toBe(events.length);
        expect(events).toEqual(state?.types ?? []);
      }),
    );
  });

  it('sets the outcome once, by the first message that reports one', () => {
    fc.assert(
      fc.property(anyMessages, (messages) => {
        const { steps, events, state } = advance(messages);
        const outcomes = steps.flatMap(({ state: { outcome } }) => (outcome ? [outcome] : []));
        expect(new Set(outcomes).size).toBeLessThanOrEqual(1);
        const first = messages.flat().find((type) => OUTCOME_TYPES.includes(type));
        expect(events.filter((type) => OUTCOME_TYPES.includes(type))).toEqual(first ? [first] : []);
        expect(state?.outcome).toBe(first?.replace('run.', ''));
      }),
    );
  });

  it('flags a run permanently if a message reports another outcome', () => {
    fc.assert(
      fc.property(anyMessages, (messages) => {
        const { steps } = advance(messages);
        let flagged = false;
        for (const [index, { state, contradicts }] of steps.entries()) {
          const before = steps[index - 1]?.state.outcome;
          const reported = messages[index]?.find((type) => OUTCOME_TYPES.includes(type))?.replace('run.', '');
          const isOther = before !== undefined && reported !== undefined && reported !== before;
          expect(contradicts).toBe(isOther ? reported : undefined);
          flagged ||= isOther;
          expect(state.contradicted).toBe(flagged);
        }
      }),
    );
  });

  it('reaches the same state of a run with one outcome, without repeated events', () => {
    const ends = fc.constantFrom<RunOutcome>('succeeded', 'failed', 'canceled');
    const deliveries = ends.chain((end) =>
      fc.tuple(fc.constant(end), fc.shuffledSubarray(OUTCOMES[end], { minLength: OUTCOMES[end].length })),
    );
    fc.assert(
      fc.property(deliveries, fc.nat(10), ([end, messages], again) => {
        const { state } = advance([...messages, messages[again % messages.length] ?? []]);
        expect([...(state?.types ?? [])].sort()).toEqual([...new Set(OUTCOMES[end].flat())].sort());
        expect(state).toMatchObject({ outcome: end, contradicted: false });
      }),
    );
  });

  it('ignores a repeated message', () => {
    fc.assert(
      fc.property(anyMessages, (messages) => {
        const once = advance(messages);
        const last = messages.at(-1);
        const twice = advance(last ? [...messages, last] : messages);
        expect(twice.events).toEqual(once.events);
        expect(twice.state).toEqual(once.state);
      }),
    );
  });

  it('does not change its argument', () => {
    fc.assert(
      fc.property(anyMessages, anyMessages, (before, after) => {
        const { state } = advance(before);
        const copy = structuredClone(state);
        for (const types of after) advanceRun(state, facts(types));
        expect(state).toEqual(copy);
      }),
    );
  });
});

describe('advanceRun', () => {
  it.each([
    ['an early failure and the completion that follows', [ERRORED, FAILED], ['run.failed', 'run.completed'], 'failed'],
    ['a completion before its early failure', [FAILED, ERRORED], ['run.failed', 'run.completed'], 'failed'],
    ['a start after the end', [SUCCEEDED, STARTED], ['run.succeeded', 'run.completed', 'run.started'], 'succeeded'],
    ['an end without an outcome', [OVER], ['run.completed'], undefined],
    ['an outcome after an end without one', [OVER, SUCCEEDED], ['run.completed', 'run.succeeded'], 'succeeded'],
    ['a failure that is over as a success', [ERRORED, SUCCEEDED], ['run.failed', 'run.completed'], 'failed'],
    ['nothing at all', [[]], [], undefined],
  ] as const)('%s', (_, messages, events, outcome) => {
    const result = advance(messages);
    expect(result.events).toEqual(events);
    expect(result.state?.outcome).toBe(outcome);
  });

  it('keeps the first job key', () => {
    const { state } = advanceRun(undefined, facts(STARTED));
    expect(advanceRun(state, facts(FAILED, { jobKey: 'other' })).state.jobKey).toBe('job');
  });

  it('keeps the earliest start and the latest end in any order', () => {
    const at = (ms: number) => new Date(ms);
    const { state: started } = advanceRun(undefined, facts(STARTED, { startedAt: at(1) }));
    expect(started).toMatchObject({ startedAt: at(1) });
    expect(started).not.toHaveProperty('finishedAt');
    const both = [
      facts(ERRORED, { startedAt: at(1), finishedAt: at(5) }),
      facts(FAILED, { startedAt: at(2), finishedAt: at(6) }),
    ];
    for (const [first, second] of [both, [...both].reverse()]) {
      const { state } = advanceRun(first && advanceRun(started, first).state, second ?? facts([]));
      expect(state).toMatchObject({ startedAt: at(1), finishedAt: at(6) });
    }
  });

  it('treats a second outcome in one message as a contradiction', () => {
    const both = advanceRun(undefined, facts(['run.failed', 'run.succeeded']));
    expect(both).toMatchObject({ newTypes: ['run.failed'], contradicts: 'succeeded', state: { outcome: 'failed' } });
  });
});
