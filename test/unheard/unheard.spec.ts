import { beforeAll, describe, expect, it } from '@jest/globals';
import type { Entry, Store, StoreFactory } from 'nestjs-runhooks/core';
import { placeOf, type InboxPlace } from '../simulation/engines.js';
import { simulate } from './simulation.js';
import { verify, type Evidence, type Verdict } from './verify.js';

/** A day without disasters, and with lost, repeated, delayed and reordered webhooks. */
const SHORT = { days: 1, jobs: 40, seed: 5 };

/** Simulates on a new SQLite inbox, whose connections `change` replaces. */
async function simulateWith(
  change: (store: Store) => Store = (store) => store,
  options: { readonly sweeps?: boolean } = {},
): Promise<Evidence> {
  const place = placeOf('sqlite');
  const changed: InboxPlace = {
    ...place,
    connect: (): StoreFactory => {
      const factory = place.connect();
      return { createStore: (logger) => change(factory.createStore(logger)) };
    },
  };
  try {
    return (await simulate({ ...SHORT, ...options, place: changed })).get('dbt') as Evidence;
  } finally {
    await place.remove();
  }
}

/** Returns the store with another method. */
function replaced<K extends keyof Store>(store: Store, name: K, method: Store[K]): Store {
  return new Proxy(store, {
    get: (target, key) => {
      const value: unknown = key === name ? method : Reflect.get(target, key, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

let copies = 0;

/** Returns the step as if the inbox did not know the run, and had no other event about it. */
function forgetful(entry: Entry): Entry {
  if (!('decide' in entry) || !entry.decide) return entry;
  const { decide } = entry;
  const decideAnew: typeof decide = ({ jobs }) => {
    const decision = decide(jobs ? { jobs } : {});
    const events = decision.events.map((event) => ({ ...event, id: `${event.id}#${(copies += 1)}` }));
    return { ...decision, events };
  };
  return { ...entry, decide: decideAnew };
}

describe('the simulation', () => {
  it('notices runs that no webhook reports if the sweeps are off', async () => {
    const evidence = await simulateWith(undefined, { sweeps: false });
    const { unheard, problems, bySweep, byWebhook } = verify(evidence);
    expect({ bySweep, hasHeard: byWebhook > 0, hasMissed: unheard > 10 }).toEqual({
      bySweep: 0,
      hasHeard: true,
      hasMissed: true,
    });
    expect(problems.join('\n')).toMatch(/run \d+, canceled, is not in the inbox/);
  });

  it('notices repeated events if the inbox forgets what it knows', async () => {
    const evidence = await simulateWith((store) =>
      replaced(store, 'record', (entries, now) => store.record(entries.map(forgetful), now)),
    );
    const { toldTwice, problems } = verify(evidence);
    expect(toldTwice).toBeGreaterThan(0);
    expect(problems.join('\n')).toMatch(/\d events say run\.failed \d+/);
  });
});

describe('the verifier of the simulation', () => {
  let evidence: Evidence;

  beforeAll(async () => {
    evidence = await simulateWith();
  });

  const verdictOf = (change: (found: Evidence) => Partial<Evidence>): Verdict =>
    verify({ ...evidence, ...change(evidence) });

  it('finds no problem in an unchanged inbox and ledger', () => {
    const { problems, unheard, toldTwice, runs, byWebhook, bySweep, callsADay } = verify(evidence);
    expect({ problems, unheard, toldTwice }).toEqual({ problems: [], unheard: 0, toldTwice: 0 });
    expect(byWebhook + bySweep).toBe(runs);
    expect(callsADay).toBeGreaterThan(1_000);
  });

  const isSince = ({ since, world }: Evidence, runId: string): boolean => {
    const { endedAt } = world.find(({ id }) => id === runId) ?? {};
    return endedAt !== undefined && endedAt >= since;
  };
  const aReceipt = (found: Evidence, handlerId = 'outcome') => {
    const receipt = found.receipts.find((one) => one.handlerId === handlerId && isSince(found, one.runId));
    if (!receipt) throw new Error(`handler ${handlerId} received nothing`);
    return receipt;
  };
  const aHistoryRun = (found: Evidence): string =>
    found.world.find(({ id, job }) => job.isSubscribed && !isSince(found, id))?.id ?? '';

  it.each<[string, RegExp, (found: Evidence) => Partial<Evidence>]>([
    ['a run that is missing', /is not in the inbox/, ({ runs }) => ({ runs: runs.slice(1) })],
    [
      'an outcome that is wrong',
      /run \d+ is failed, and succeeded in the inbox/,
      ({ runs }) => ({
        runs: runs.map((run) => (run.outcome === 'failed' ? { ...run, outcome: 'succeeded' as const } : run)),
      }),
    ],
    [
      'an event that is missing',
      /has the events run\.\w+; expected run\.\w+, run\.completed/,
      ({ events }) => ({
        events: events.toSpliced(
          events.findIndex(({ type }) => type === 'run.completed'),
          1,
        ),
      }),
    ],
    ['an event that is there twice', /2 events say/, ({ events }) => ({ events: [...events, ...events.slice(0, 1)] })],
    [
      'a handler that missed a run',
      /handler project did not receive 1 runs/,
      (found) => ({ receipts: found.receipts.filter((one) => one !== aReceipt(found, 'project')) }),
    ],
    [
      'a handler that received a run that its filter excludes',
      /handler job-id received 1 runs .*which its filter excludes/,
      (found) => ({ receipts: [...found.receipts, { ...aReceipt(found), handlerId: 'job-id', runId: '1' }] }),
    ],
    [
      'a second delivery for the same event',
      /received 1 times too often/,
      (found) => ({ receipts: [...found.receipts, { ...aReceipt(found), deliveryId: 'dlv_other' }] }),
    ],
    [
      'an attempt that was repeated without a kill',
      /received 1 times too often/,
      (found) => ({ receipts: [...found.receipts, aReceipt(found)] }),
    ],
    [
      'an event about a run that ended before the install',
      /which its filter excludes/,
      (found) => ({ receipts: [...found.receipts, { ...aReceipt(found), runId: aHistoryRun(found) }] }),
    ],
    [
      'a page that is missing',
      /since the install paged 0 times/,
      ({ receipts }) => ({ receipts: receipts.filter(({ handlerId }) => handlerId !== 'pager') }),
    ],
    [
      'a page for a run that ended before the install',
      /paged, and must not/,
      (found) => ({
        receipts: [
          ...found.receipts,
          { ...aReceipt(found, 'pager'), runId: aHistoryRun(found), deliveryId: 'dlv_other' },
        ],
      }),
    ],
    [
      'a run of a job without a subscription',
      /of jobs without a subscription/,
      ({ runs, world }) => {
        const stranger = world.find(({ job }) => !job.isSubscribed)?.id ?? '';
        return { runs: [...runs, { ...(runs[0] as (typeof runs)[number]), runId: stranger }] };
      },
    ],
    ['unfinished deliveries', /1 deliveries are pending or dead/, () => ({ unfinished: 1 })],
    ['too many calls', /2500 calls a day/, () => ({ callsADay: 2_500 })],
    ['a world without webhooks', /none arrived/, () => ({ webhooks: [] })],
  ])('notices %s', (_, problem, change) => {
    expect(verdictOf(change).problems.join('\n')).toMatch(problem);
  });

  it('accepts an attempt that a kill has repeated', () => {
    const receipt = aReceipt(evidence);
    const again = { ...receipt, processNumber: 2 };
    const { problems, toldTwice } = verdictOf(({ receipts }) => ({
      receipts: [...receipts, again],
      killed: new Set([receipt.processNumber]),
    }));
    expect({ problems, toldTwice }).toEqual({ problems: [], toldTwice: 0 });
  });
});
