import { beforeAll, describe, expect, it } from '@jest/globals';
import type { ActionStore, Store } from 'nestjs-runhooks/core';
import { placeOf, withStores } from '../simulation/engines.js';
import { withMembers } from '../simulation/with-members.js';
import type { Evidence, KnownRun } from './evidence.js';
import { TROUBLES } from './network.js';
import { simulate } from './simulation.js';
import { verify, type Verdict } from './verify.js';

const TIMEOUT_MS = 10 * 60_000;

/** Simulates on a new SQLite inbox, whose connections `change` replaces. */
async function simulateWith(
  actions: number,
  change: (store: ActionStore) => Partial<ActionStore> = () => ({}),
): Promise<Evidence> {
  const place = placeOf('sqlite');
  const changed = withStores(place, (store) => withActions(store, change));
  try {
    return await simulate({ place: changed, actions, seed: 5 });
  } finally {
    await place.remove();
  }
}

function withActions(store: Store, change: (actions: ActionStore) => Partial<ActionStore>): Store {
  const actions = store.actions as ActionStore;
  return withMembers(store, { actions: withMembers(actions, change(actions)) });
}

describe('the simulation', () => {
  it(
    'notices an inbox that does not write that a call is about to be made',
    async () => {
      const evidence = await simulateWith(60, (actions) => ({
        advance: async (held, next, now) =>
          next.state === 'sent' && 'leaseMs' in next ? true : await actions.advance(held, next, now),
      }));
      const { problems } = verify(evidence);
      expect(problems.join('\n')).toMatch(/was sent again .*, after it was done/);
    },
    TIMEOUT_MS,
  );
});

describe('the verifier of the simulation', () => {
  let evidence: Evidence;

  beforeAll(async () => {
    evidence = await simulateWith(250);
  }, TIMEOUT_MS);

  const verdictOf = (change: (found: Evidence) => Partial<Evidence>): Verdict =>
    verify({ ...evidence, ...change(evidence) });

  it('finds no problem in an unchanged inbox and ledger', () => {
    const { problems, doubled, lost, actions, runs } = verify(evidence);
    expect({ problems, doubled, lost }).toEqual({ problems: [], doubled: 0, lost: 0 });
    expect(actions).toBeGreaterThan(200);
    expect(runs).toBeGreaterThan(100);
  });

  it('has seen everything that can happen to an action', () => {
    const { requests, actions, receipts, killed, takenOver, unknown } = evidence;
    const happened = new Set(requests.map(({ kind, trouble }) => `${kind}: ${trouble}`));
    const refusals = new Set(receipts.map(({ told }) => told.outcome === 'refused' && told.reason));
    expect(TROUBLES.filter((trouble) => !happened.has(`retry: ${trouble}`))).toEqual([]);
    expect(TROUBLES.filter((trouble) => !happened.has(`trigger: ${trouble}`))).toEqual([]);
    expect({
      kinds: new Set(actions.map(({ source, kind }) => `${source} ${kind}`)).size,
      limited: refusals.has('retries-max'),
      withoutResults: refusals.has('no-results'),
      overtaken: refusals.has('not-latest'),
      unknown: unknown.size > 0,
      killed: killed.size > 20,
      takenOver: takenOver > 0,
    }).toEqual({
      kinds: 6,
      limited: true,
      withoutResults: true,
      overtaken: true,
      unknown: true,
      killed: true,
      takenOver: true,
    });
  });

  /** Returns a run that an answered action of a handler has started. */
  const startedBy = ({ actions, runs }: Evidence, handlerId: string): KnownRun => {
    const action = actions.find((one) => one.handlerId === handlerId && one.state === 'answered');
    return runs.find(({ source, id }) => source === action?.source && id === action.answer?.runId) as KnownRun;
  };
  const withTwin = (found: Evidence, handlerId: string): Partial<Evidence> => {
    const run = startedBy(found, handlerId);
    return { runs: [...found.runs, { ...run, id: '999' }] };
  };
  const withoutFirst = <T>(items: readonly T[], fits: (item: T) => boolean): T[] =>
    items.toSpliced(items.findIndex(fits), 1);
  const changeFirst = <T>(items: readonly T[], fits: (item: T) => boolean, change: Partial<T>): T[] => {
    const index = items.findIndex(fits);
    return items.with(index, { ...(items[index] as T), ...change });
  };
  const isAnswered = ({ state }: { readonly state: string }): boolean => state === 'answered';
  const isRetryEvent = ({ data }: Evidence['events'][number]): boolean => data.includes('"rootRun"');
  const retryOf = (found: Evidence): KnownRun =>
    found.runs.findLast((run) => run.isStarted && run.retryOf !== undefined && run.hasSucceeded) as KnownRun;

  it.each<[string, RegExp, 'doubled' | 'lost' | undefined, (found: Evidence) => Partial<Evidence>]>([
    [
      'a retry that was started twice',
      /retry after run .* \(once, .*\) was carried out 2 times/,
      'doubled',
      (found) => withTwin(found, 'once'),
    ],
    [
      'a job that was started twice',
      /trigger after run .* \(start, .*\) was carried out 2 times/,
      'doubled',
      (found) => withTwin(found, 'start'),
    ],
    [
      'more retries than allowed',
      /the root run of retry .* \(once, .*\) has 2 retries; expected at most 1/,
      'doubled',
      (found) => withTwin(found, 'once'),
    ],
    [
      'an answer by a run that is not there',
      /is answered by run \d+, which it did not start/,
      'lost',
      (found) => ({ runs: withoutFirst(found.runs, (run) => run === startedBy(found, 'start')) }),
    ],
    [
      'a cancellation of a run that has not ended',
      /cancel .* is answered by run \d+, which it did not end/,
      'lost',
      ({ runs }) => ({ runs: runs.map((run) => ({ ...run, isOpen: true })) }),
    ],
    [
      'an action without its row',
      /is not in the inbox/,
      'lost',
      ({ actions }) => ({ actions: withoutFirst(actions, isAnswered) }),
    ],
    [
      'an action that has not ended',
      /is sent in the end/,
      'lost',
      ({ actions }) => ({ actions: changeFirst(actions, isAnswered, { state: 'sent' }) }),
    ],
    [
      'an action that is still unknown',
      /is unknown in the end/,
      'lost',
      ({ actions }) => ({ actions: changeFirst(actions, isAnswered, { state: 'unknown' }) }),
    ],
    [
      'a refusal of what was carried out',
      /is refused, and was carried out/,
      'lost',
      ({ actions }) => ({ actions: changeFirst(actions, isAnswered, { state: 'refused' }) }),
    ],
    [
      'a delivery that has not ended',
      /the delivery of .* is pending/,
      'lost',
      ({ deliveries }) => ({ deliveries: deliveries.map((one) => ({ ...one, state: 'pending' as const })) }),
    ],
    [
      'a handler that was told nothing',
      /no handler was told/,
      'lost',
      ({ receipts }) => ({
        receipts: receipts.filter(({ deliveryId }) => deliveryId !== receipts[0]?.deliveryId),
      }),
    ],
    [
      'a handler that was told another run',
      /a handler was told otherwise/,
      'lost',
      ({ receipts }) => ({
        receipts: changeFirst(receipts, ({ told }) => told.outcome === 'answered', {
          told: { outcome: 'answered', answer: '1' },
        }),
      }),
    ],
    [
      'a run that no action has started',
      /run 999 of dbt was started, and no action asked for it/,
      undefined,
      ({ runs }) => ({ runs: [...runs, { ...(runs[0] as KnownRun), id: '999', isStarted: true }] }),
    ],
    [
      'a request that was sent again',
      /was sent again \(none\), after it was done/,
      undefined,
      ({ requests }) => {
        const done = requests.find(({ isDone, kind, source }) => isDone && kind === 'trigger' && source === 'dbt');
        return { requests: [...requests, { ...(done as typeof done & {}), trouble: 'none' as const }] };
      },
    ],
    [
      'an event without the root run',
      /has the rootRun undefined/,
      undefined,
      ({ events }) => {
        const fields = (data: string): string =>
          JSON.stringify(JSON.parse(data), (name, value: unknown) => (name === 'rootRun' ? undefined : value));
        return {
          events: events.map((event) => (isRetryEvent(event) ? { ...event, data: fields(event.data) } : event)),
        };
      },
    ],
    [
      'an incident that a retry did not end',
      /has an incident after the retry/,
      undefined,
      (found) => {
        const { source, jobId, id } = retryOf(found);
        const at = new Date();
        const incident = { openedAt: at, latestFailureAt: at, failures: 1, runs: [] };
        return {
          ended: [...found.ended, `${source}/${id}`],
          events: found.events.map((event) => ({ ...event, occurredAt: event.recordedAt })),
          jobs: new Map([...found.jobs, [`${source}/${jobId}`, { incident }]]),
        };
      },
    ],
    [
      'a wrong number of actions',
      /the inbox counts 9999 actions as answered/,
      undefined,
      ({ counts }) => ({ counts: { ...counts, answered: 9_999 } }),
    ],
  ])('notices %s', (_, problem, count, change) => {
    const verdict = verdictOf(change);
    expect(verdict.problems.join('\n')).toMatch(problem);
    if (count) expect(verdict[count]).toBeGreaterThan(0);
  });

  it("accepts a second run of an action with onUnknown 'again', and counts it apart", () => {
    const { problems, doubled, again } = verdictOf((found) => withTwin(found, 'again-start'));
    expect({ problems, doubled }).toEqual({ problems: [], doubled: 0 });
    expect(again.doubled).toBeGreaterThan(0);
  });
});
