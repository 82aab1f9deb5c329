import { equal, ok } from 'node:assert/strict';
import type { ClaimedDelivery, DeliveryTurn, NewDelivery } from 'nestjs-runhooks/core';
import { at, HANDLER, LEASE_MS, onlyOne, SOURCE, type StoreBench } from './bench.js';
import type { ContractCase } from './contract-case.js';
import { same } from './same.js';

/** Deliveries of as many events, of messages from `source`; answers their ids. */
async function deliver(
  bench: StoreBench,
  count: number,
  { handlerId = HANDLER, source = SOURCE, lane, ms = 0 }: Partial<NewDelivery> & { source?: string; ms?: number } = {},
): Promise<string[]> {
  const events = Array.from({ length: count }, () => {
    const event = bench.event({ handlerIds: [handlerId] });
    return { ...event, deliveries: event.deliveries.map((one) => ({ ...one, ...(lane !== undefined && { lane }) })) };
  });
  await bench.append({ source });
  await bench.record(await bench.takeMessages({ sources: [source] }), { decide: () => ({ events }) }, at(ms));
  return events.flatMap(({ deliveries }) => deliveries.map(({ id }) => id));
}

/** As a dispatcher does it: each claim goes on after the last thing that the one before has taken. */
async function claims(bench: StoreBench, times: number, limit: number, handlerIds: readonly string[]) {
  const taken: ClaimedDelivery[][] = [];
  let after: DeliveryTurn | undefined;
  for (let time = 0; time < times; time += 1) {
    const claim = { now: at(0), leaseMs: LEASE_MS, limit, lease: `claim ${time}`, handlerIds };
    const items = await bench.store.claimDeliveries({ ...claim, ...(after && { after }) });
    const last = items.at(-1);
    if (last) after = { handlerId: last.handlerId, source: last.event.source };
    taken.push(items);
  }
  return taken;
}

const FIRST_AND_LATER = { handlerId: HANDLER, lane: 'waiting' };

/** More of one lane than anybody looks through, all of it behind one that is tried again later. */
async function blockLane(bench: StoreBench): Promise<void> {
  await deliver(bench, 1, FIRST_AND_LATER);
  await bench.settle(onlyOne(await bench.takeDeliveries()), { state: 'pending', dueAt: at(100 * LEASE_MS) });
  await deliver(bench, 500, FIRST_AND_LATER);
}

export const turnsCases: readonly ContractCase[] = [
  {
    title: 'claimMessages: a source with much to be read makes no other one wait for more than a claim of its own',
    run: async (bench) => {
      const sources = ['a', 'b', 'c'];
      for (let count = 0; count < 20; count += 1) await bench.append({ source: 'b', receivedAt: at(0) });
      for (const source of ['a', 'c']) await bench.append({ source, receivedAt: at(1) });
      const served: string[][] = [];
      let after: string | undefined;
      for (let time = 0; time < 3; time += 1) {
        const claim = { now: at(1), leaseMs: LEASE_MS, limit: 2, lease: `claim ${time}`, sources };
        const items = await bench.store.claimMessages({ ...claim, ...(after !== undefined && { after }) });
        equal(items.length, 2);
        after = items.at(-1)?.source;
        served.push(items.map(({ source }) => source));
      }
      same([...new Set(served.flat())].sort(), sources);
    },
  },
  {
    title: 'claimMessages: of the source whose turn it is takes the oldest first, then goes on with the next one',
    run: async (bench) => {
      const ids: string[] = [];
      for (const [source, ms] of [
        ['a', 0],
        ['a', 1],
        ['a', 2],
        ['b', 0],
      ] as const) {
        ids.push((await bench.append({ source, receivedAt: at(ms) })).id);
      }
      const claim = { now: at(5), leaseMs: LEASE_MS, limit: 3, sources: ['a', 'b'] };
      const first = await bench.store.claimMessages({ ...claim, lease: 'one', after: 'a' });
      const second = await bench.store.claimMessages({ ...claim, lease: 'two', after: 'a' });
      same(
        [first, second].map((items) => items.map(({ id }) => id)),
        [[ids[3], ids[0], ids[1]], [ids[2]]],
      );
    },
  },
  {
    title: 'claimDeliveries: each source of each handler has its turn, however much is due of one of them',
    run: async (bench) => {
      await deliver(bench, 20, { handlerId: 'slow', source: 'flooding' });
      await deliver(bench, 20, { handlerId: 'other', source: 'flooding' });
      await deliver(bench, 1, { handlerId: 'slow', source: 'quiet', ms: 0 });
      await deliver(bench, 1, { handlerId: 'rare', source: 'quiet', ms: 0 });
      const taken = await claims(bench, 4, 1, ['slow', 'other', 'rare']);
      const turns = taken.map((items) => items.map(({ handlerId, event }) => `${handlerId} ${event.source}`));
      same(turns.flat().sort(), ['other flooding', 'rare quiet', 'slow flooding', 'slow quiet']);
    },
  },
  {
    title: 'claimDeliveries: fills a claim from one turn after the other, and answers them in this order',
    run: async (bench) => {
      await deliver(bench, 3, { source: 'a' });
      await deliver(bench, 3, { source: 'b' });
      const [first = [], second = []] = await claims(bench, 2, 4, [HANDLER]);
      const sourcesOf = (items: readonly ClaimedDelivery[]) => items.map(({ event }) => event.source);
      const [one, other] = [sourcesOf(first)[0], sourcesOf(first)[3]];
      ok(one !== other);
      same(sourcesOf(first), [one, one, one, other]);
      same(sourcesOf(second), [other, other]);
    },
  },
  {
    title: 'claimDeliveries: finds what can run behind however much that waits in its lane',
    run: async (bench) => {
      await blockLane(bench);
      const [free = ''] = await deliver(bench, 1, { ms: 1 });
      const [first = ''] = await deliver(bench, 2, { lane: 'free', ms: 1 });
      const { items } = await bench.takeDeliveries({ at: 1, limit: 10 });
      same(items.map(({ id }) => id).sort(), [free, first].sort());
      equal((await bench.takeDeliveries({ at: 1, limit: 10 })).items.length, 0);
    },
  },
  {
    title: 'dueDeliveries: tells one of each turn before a second one of any',
    run: async (bench) => {
      await deliver(bench, 20, { source: 'flooding' });
      const [quiet] = await deliver(bench, 1, { source: 'quiet' });
      const [rare] = await deliver(bench, 1, { handlerId: 'rare' });
      const due = await bench.store.dueDeliveries({ now: at(0), limit: 3, handlerIds: [HANDLER, 'rare'] });
      const ids = due.map(({ id }) => id);
      equal(ids.length, 3);
      ok(ids.includes(quiet ?? '') && ids.includes(rare ?? ''));
    },
  },
  {
    title: 'dueDeliveries: finds what can run behind however much that waits in its lane',
    run: async (bench) => {
      await blockLane(bench);
      const [first] = await deliver(bench, 2, { lane: 'free', ms: 1 });
      const due = await bench.store.dueDeliveries({ now: at(1), limit: 10, handlerIds: [HANDLER] });
      same(
        due.map(({ id }) => id),
        [first],
      );
    },
  },
  {
    title: 'claimTasks: leaves those of sources that have something to be read, if asked to',
    run: async (bench) => {
      for (const source of ['behind', 'up-to-date']) {
        await bench.append({ source });
        const task = { id: `task of ${source}`, handlerId: HANDLER, dueAt: at(0), data: '{}' };
        await bench.record(await bench.takeMessages({ sources: [source] }), {
          decide: () => ({ events: [], tasks: [task] }),
        });
      }
      await bench.append({ source: 'behind' });
      const claim = { now: at(0), leaseMs: LEASE_MS, limit: 10, handlerIds: [HANDLER] };
      const unlessDue = ['behind', 'up-to-date'];
      const first = await bench.store.claimTasks({ ...claim, lease: 'one', unlessDue });
      same(
        first.map(({ id }) => id),
        ['task of up-to-date'],
      );
      await bench.record(await bench.takeMessages({ sources: ['behind'] }));
      const second = await bench.store.claimTasks({ ...claim, lease: 'two', unlessDue });
      same(
        second.map(({ id }) => id),
        ['task of behind'],
      );
    },
  },
];
