import { beforeAll, describe, expect, it } from '@jest/globals';
import type { ResultStore, Store } from 'nestjs-runhooks/core';
import { placeOf, withStores } from '../simulation/engines.js';
import { checkedRuns } from './checked-run.js';
import type { Evidence } from './evidence.js';
import type { Receipt } from './ledger.js';
import { simulate } from './simulation.js';
import { verify, type Verdict } from './verify.js';
import { withMembers } from '../simulation/with-members.js';

const TIMEOUT_MS = 10 * 60_000;

/** Simulates on a new SQLite inbox, whose connections `change` replaces. */
async function simulateWith(
  runs: number,
  change: (results: ResultStore) => Partial<ResultStore> = () => ({}),
): Promise<Evidence> {
  const place = placeOf('sqlite');
  const changed = withStores(place, (store) => withResults(store, change));
  try {
    return await simulate({ place: changed, runs, seed: 5 });
  } finally {
    await place.remove();
  }
}

function withResults(store: Store, change: (results: ResultStore) => Partial<ResultStore>): Store {
  const results = store.results as ResultStore;
  return withMembers(store, { results: withMembers(results, change(results)) });
}

describe('the simulation', () => {
  it(
    'notices an inbox that forgets which nodes have failed',
    async () => {
      const evidence = await simulateWith(50, (results) => ({
        recordNodes: (held, step, now) =>
          results.recordNodes(held, { ...step, decide: (known) => step.decide({ ...known, nodes: new Map() }) }, now),
      }));
      const { wrong, doubled, problems } = verify(evidence);
      expect({ hasWrong: wrong > 0, doubled }).toEqual({ hasWrong: true, doubled: 0 });
      expect(problems.join('\n')).toMatch(/node\.failed .*found {"firstFailure":true.*expected {"firstFailure":false/);
    },
    TIMEOUT_MS,
  );
});

describe('the verifier of the simulation', () => {
  let evidence: Evidence;

  beforeAll(async () => {
    evidence = await simulateWith(100);
  }, TIMEOUT_MS);

  const verdictOf = (change: (found: Evidence) => Partial<Evidence>): Verdict =>
    verify({ ...evidence, ...change(evidence) });

  it('finds no problem in an unchanged inbox and ledger', () => {
    const { runs, results, ...found } = verify(evidence);
    expect(found).toEqual({ problems: [], doubled: 0, missed: 0, wrong: 0 });
    expect(runs).toBeGreaterThan(100);
    expect(results).toBeGreaterThan(100);
  });

  it('has seen everything that can happen to a node', () => {
    const facts = evidence.receipts.map(({ fact }) => fact);
    const failed = facts.filter((fact) => fact.type === 'node.failed');
    expect({
      first: failed.some(({ firstFailure }) => firstFailure),
      again: failed.some(({ firstFailure, incident }) => !firstFailure && incident),
      late: failed.some(({ late }) => late),
      isolated: failed.some(({ isolated }) => isolated),
      recovered: facts.some(({ type }) => type === 'node.recovered'),
      open: evidence.openNodes.length > 0,
      killed: evidence.killed.size > 0,
      unread: [...checkedRuns(evidence).values()].some(({ isUnread }) => isUnread),
    }).toEqual({
      first: true,
      again: true,
      late: true,
      isolated: true,
      recovered: true,
      open: true,
      killed: true,
      unread: true,
    });
  });

  /** Returns the receipts with other ones instead of the first that fits. */
  const changedReceipts = (
    { receipts }: Evidence,
    fits: (receipt: Receipt) => boolean,
    ...others: readonly ((receipt: Receipt) => Receipt)[]
  ): Partial<Evidence> => {
    const index = receipts.findIndex(fits);
    const found = receipts[index] as Receipt;
    return { receipts: receipts.toSpliced(index, 1, ...others.map((other) => other(found))) };
  };
  const same = (receipt: Receipt): Receipt => receipt;
  const isOf = (handlerId: string) => (receipt: Receipt) => receipt.handlerId === handlerId;
  const isFirst = ({ handlerId, fact }: Receipt): boolean =>
    handlerId === 'failures' && fact.type === 'node.failed' && fact.firstFailure;
  const isAgain = ({ handlerId, fact }: Receipt): boolean =>
    handlerId === 'failures' && fact.type === 'node.failed' && !fact.firstFailure && fact.incident !== undefined;
  const withFact =
    (fields: object) =>
    (receipt: Receipt): Receipt => ({ ...receipt, fact: { ...receipt.fact, ...fields } });

  it.each<[string, RegExp, keyof Verdict, (found: Evidence) => Partial<Evidence>]>([
    [
      'an event that is missing',
      /no event says run\.results/,
      'missed',
      ({ events }) => ({
        events: events.toSpliced(
          events.findIndex(({ type }) => type === 'run.results'),
          1,
        ),
      }),
    ],
    [
      'an event that is there twice',
      /2 events say node\.failed/,
      'doubled',
      ({ events }) => ({ events: [...events, ...events.filter(({ type }) => type === 'node.failed').slice(0, 1)] }),
    ],
    [
      'an event about a node that has not failed',
      /which did not happen/,
      'missed',
      ({ events }) => {
        const event = events.find(({ type }) => type === 'node.failed');
        const data = JSON.stringify({ ...JSON.parse(event?.data ?? '{}'), node: { uniqueId: 'model.shop.other' } });
        return { events: [...events, { ...(event as (typeof events)[number]), data }] };
      },
    ],
    [
      'a handler that missed a failure',
      /handler failures did not receive node\.failed/,
      'missed',
      (found) => changedReceipts(found, isFirst),
    ],
    [
      'a handler that missed a recovery',
      /handler recoveries did not receive node\.recovered/,
      'missed',
      (found) => changedReceipts(found, isOf('recoveries')),
    ],
    [
      'a second delivery for the same event',
      /received 1 times too often/,
      'doubled',
      (found) => changedReceipts(found, isFirst, same, (one) => ({ ...one, deliveryId: 'dlv_other' })),
    ],
    [
      'an attempt that was repeated without a kill',
      /received 1 times too often/,
      'doubled',
      (found) => ({ ...changedReceipts(found, isOf('results'), same, same), killed: new Set() }),
    ],
    [
      'another message',
      /has the message "other"/,
      'missed',
      (found) => {
        const change = (one: Receipt): Receipt =>
          'node' in one.fact ? withFact({ node: { ...one.fact.node, message: 'other' } })(one) : one;
        return changedReceipts(found, isFirst, change);
      },
    ],
    [
      'a failure that counts as the first one again',
      /found {"firstFailure":true,.*expected {"firstFailure":false/,
      'wrong',
      (found) => changedReceipts(found, isAgain, withFact({ firstFailure: true })),
    ],
    [
      'a first failure that counts as a late one',
      /found {"firstFailure":false,"late":true/,
      'wrong',
      (found) => changedReceipts(found, isFirst, withFact({ firstFailure: false, late: true, incident: undefined })),
    ],
    [
      'an incident without one of its runs',
      /node\.failed .*"runs":\[\]/,
      'wrong',
      (found) => {
        const change = (one: Receipt): Receipt =>
          'incident' in one.fact ? withFact({ incident: { ...one.fact.incident, runs: [] } })(one) : one;
        return changedReceipts(found, isAgain, change);
      },
    ],
    [
      'an incident that is not open any more',
      /has no open incident/,
      'wrong',
      ({ openNodes }) => ({ openNodes: openNodes.slice(1) }),
    ],
    [
      'an incident that is open for too long',
      /has an open incident, and must not/,
      'wrong',
      ({ openNodes }) => ({
        openNodes: [...openNodes, { ...(openNodes[0] as (typeof openNodes)[number]), nodeId: 'model.shop.other' }],
      }),
    ],
    [
      'a run whose results are missing',
      /has no results; expected \d+ nodes/,
      'missed',
      ({ results }) => {
        const [key] = [...results].find(([, found]) => found?.results.state === 'available') ?? [''];
        return { results: new Map([...results].map(([one, found]) => [one, one === key ? undefined : found])) };
      },
    ],
    [
      'an unreadable file that counts as a success',
      /has the results available; expected unreadable/,
      'missed',
      ({ results }) => {
        const good = [...results.values()].find((found) => found?.results.state === 'available');
        const isUnreadable = (found: typeof good): boolean =>
          found?.results.state === 'missing' && found.results.reason === 'unreadable';
        return { results: new Map([...results].map(([key, found]) => [key, isUnreadable(found) ? good : found])) };
      },
    ],
    [
      'a wrong number of nodes',
      /has wrong results: skipped 99; expected \d+/,
      'missed',
      ({ results }) => ({
        results: new Map(
          [...results].map(([key, found]) => {
            if (found?.results.state !== 'available') return [key, found];
            const counts = { ...found.results.counts, skipped: 99 };
            return [key, { ...found, results: { ...found.results, counts } }];
          }),
        ),
      }),
    ],
    ['unfinished deliveries', /1 deliveries are pending or dead/, 'missed', () => ({ unfinished: 1 })],
  ])('notices %s', (_, problem, count, change) => {
    const verdict = verdictOf(change);
    expect(verdict.problems.join('\n')).toMatch(problem);
    expect(verdict[count]).toBeGreaterThan(0);
  });

  it('accepts an attempt that a kill has repeated', () => {
    const change = changedReceipts(evidence, isFirst, same, (one) => ({ ...one, processNumber: 1_000 }));
    const first = evidence.receipts.find(isFirst);
    const { problems, doubled } = verdictOf(() => ({ ...change, killed: new Set([first?.processNumber ?? 0]) }));
    expect({ problems, doubled }).toEqual({ problems: [], doubled: 0 });
  });
});
