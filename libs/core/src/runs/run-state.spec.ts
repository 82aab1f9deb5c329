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

const news = (types: readonly RunSignalType[], more: Partial<RunFacts> = {}): RunFacts => ({
  jobKey: 'job',
  types,
  ...more,
});

/** Tells a run all its messages, one after the other. */
function tell(messages: readonly (readonly RunSignalType[])[]) {
  const steps: ReturnType<typeof advanceRun>[] = [];
  let known: RunState | undefined;
  for (const types of messages) {
    const step = advanceRun(known, news(types));
    known = step.state;
    steps.push(step);
  }
  return { steps, state: known, events: steps.flatMap(({ newTypes }) => newTypes) };
}

/** Messages of one run in any order, any of them lost, any of them more than once. */
const anyOrder = (messages: readonly RunSignalType[][]) => fc.array(fc.constantFrom(...messages), { maxLength: 12 });
const anyMessages = anyOrder([STARTED, ERRORED, SUCCEEDED, FAILED, CANCELED, OVER]);

describe('advanceRun, whatever order, repetition or loss of the messages of a run', () => {
  it('has each event type at most once, and keeps them all in the state', () => {
    fc.assert(
      fc.property(anyMessages, (messages) => {
        const { events, state } = tell(messages);
        expect(new Set(events).size).toBe(events.length);
        expect(events).toEqual(state?.types ?? []);
      }),
    );
  });

  it('sets the outcome once: by the first message that names one, for good, with one event', () => {
    fc.assert(
      fc.property(anyMessages, (messages) => {
        const { steps, events, state } = tell(messages);
        const outcomes = steps.flatMap(({ state: { outcome } }) => (outcome ? [outcome] : []));
        expect(new Set(outcomes).size).toBeLessThanOrEqual(1);
        const first = messages.flat().find((type) => OUTCOME_TYPES.includes(type));
        expect(events.filter((type) => OUTCOME_TYPES.includes(type))).toEqual(first ? [first] : []);
        expect(state?.outcome).toBe(first?.replace('run.', ''));
      }),
    );
  });

  it('is flagged for good, by the message that names another outcome than the first', () => {
    fc.assert(
      fc.property(anyMessages, (messages) => {
        const { steps } = tell(messages);
        let flagged = false;
        for (const [index, { state, contradicts }] of steps.entries()) {
          const before = steps[index - 1]?.state.outcome;
          const said = messages[index]?.find((type) => OUTCOME_TYPES.includes(type))?.replace('run.', '');
          const isOther = before !== undefined && said !== undefined && said !== before;
          expect(contradicts).toBe(isOther ? said : undefined);
          flagged ||= isOther;
          expect(state.contradicted).toBe(flagged);
        }
      }),
    );
  });

  it('knows the same in the end of a run that ended one way, and says nothing twice', () => {
    const ends = fc.constantFrom<RunOutcome>('succeeded', 'failed', 'canceled');
    const deliveries = ends.chain((end) =>
      fc.tuple(fc.constant(end), fc.shuffledSubarray(OUTCOMES[end], { minLength: OUTCOMES[end].length })),
    );
    fc.assert(
      fc.property(deliveries, fc.nat(10), ([end, messages], again) => {
        const { state } = tell([...messages, messages[again % messages.length] ?? []]);
        expect([...(state?.types ?? [])].sort()).toEqual([...new Set(OUTCOMES[end].flat())].sort());
        expect(state).toMatchObject({ outcome: end, contradicted: false });
      }),
    );
  });

  it('learns nothing from a message it was just told', () => {
    fc.assert(
      fc.property(anyMessages, (messages) => {
        const once = tell(messages);
        const last = messages.at(-1);
        const twice = tell(last ? [...messages, last] : messages);
        expect(twice.events).toEqual(once.events);
        expect(twice.state).toEqual(once.state);
      }),
    );
  });

  it('leaves the state it is given as it was', () => {
    fc.assert(
      fc.property(anyMessages, anyMessages, (before, after) => {
        const { state } = tell(before);
        const copy = structuredClone(state);
        for (const types of after) advanceRun(state, news(types));
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
    const told = tell(messages);
    expect(told.events).toEqual(events);
    expect(told.state?.outcome).toBe(outcome);
  });

  it('knows the earliest start and the latest end it was told, in whatever order', () => {
    const at = (ms: number) => new Date(ms);
    const { state: started } = advanceRun(undefined, news(STARTED, { startedAt: at(1) }));
    expect(started).toMatchObject({ startedAt: at(1) });
    expect(started).not.toHaveProperty('finishedAt');
    const told = [
      news(ERRORED, { startedAt: at(1), finishedAt: at(5) }),
      news(FAILED, { startedAt: at(2), finishedAt: at(6) }),
    ];
    for (const [first, second] of [told, [...told].reverse()]) {
      const { state } = advanceRun(first && advanceRun(started, first).state, second ?? news([]));
      expect(state).toMatchObject({ startedAt: at(1), finishedAt: at(6) });
    }
  });

  it('takes two outcomes in one message as a contradiction of the first', () => {
    const both = advanceRun(undefined, news(['run.failed', 'run.succeeded']));
    expect(both).toMatchObject({ newTypes: ['run.failed'], contradicts: 'succeeded', state: { outcome: 'failed' } });
  });
});
