import { equal, ok } from 'node:assert/strict';
import type { ClaimedDelivery, DeliveryTurn, NewDelivery, NewTask } from 'nestjs-runhooks/core';
import { at, HANDLER, LEASE_MS, onlyOne, SOURCE, type StoreHarness } from '../store-harness.js';
import type { ContractCase } from '../contract-case.js';
import { same } from '../same.js';

/** Records events of messages from `source`, each with one delivery, and returns the ids of the deliveries. */
async function deliver(
  harness: StoreHarness,
  count: number,
  { handlerId = HANDLER, source = SOURCE, lane, ms = 0 }: Partial<NewDelivery> & { source?: string; ms?: number } = {},
): Promise<string[]> {
  const events = Array.from({ length: count }, () => {
    const event = harness.event({ handlerIds: [handlerId] });
    return { ...event, deliveries: event.deliveries.map((one) => ({ ...one, ...(lane !== undefined && { lane }) })) };
  });
  await harness.append({ source });
  await harness.record(await harness.takeMessages({ sources: [source] }), { decide: () => ({ events }) }, at(ms));
  return events.flatMap(({ deliveries }) => deliveries.map(({ id }) => id));
}

/** Claims as a worker does: each claim continues after the last item of the previous one. */
async function claims(harness: StoreHarness, times: number, limit: number, handlerIds: readonly string[]) {
  const taken: ClaimedDelivery[][] = [];
  let after: DeliveryTurn | undefined;
  for (let time = 0; time < times; time += 1) {
    const claim = { now: at(0), leaseMs: LEASE_MS, limit, lease: `claim ${time}`, handlerIds };
    const items = await harness.store.claimDeliveries({ ...claim, ...(after && { after }) });
    const last = items.at(-1);
    if (last) after = { handlerId: last.handlerId, source: last.event.source };
    taken.push(items);
  }
  return taken;
}

const FIRST_AND_LATER = { handlerId: HANDLER, lane: 'waiting' };

/** Fills one lane with many deliveries behind one that waits for its retry. */
async function blockLane(harness: StoreHarness): Promise<void> {
  await deliver(harness, 1, FIRST_AND_LATER);
  await harness.settle(onlyOne(await harness.takeDeliveries()), { state: 'pending', dueAt: at(100 * LEASE_MS) });
  await deliver(harness, 500, FIRST_AND_LATER);
}

/** Records a message with a due task for each source. */
async function addTaskOf(harness: StoreHarness, ...sources: readonly string[]): Promise<void> {
  for (const source of sources) {
    await harness.append({ source });
    const task: NewTask = { id: `task of ${source}`, kind: 'stuck-run', handlerId: HANDLER, dueAt: at(0), data: '{}' };
    await harness.record(await harness.takeMessages({ sources: [source] }), {
      decide: () => ({ events: [], tasks: [task] }),
    });
  }
}

export const turnsCases: readonly ContractCase[] = [
  {
    title: 'claimMessages: lets a source with many messages delay other sources by one claim at most',
    run: async (harness) => {
      const sources = ['a', 'b', 'c'];
      for (let count = 0; count < 20; count += 1) await harness.append({ source: 'b', receivedAt: at(0) });
      for (const source of ['a', 'c']) await harness.append({ source, receivedAt: at(1) });
      const served: string[][] = [];
      let after: string | undefined;
      for (let time = 0; time < 3; time += 1) {
        const claim = { now: at(1), leaseMs: LEASE_MS, limit: 2, lease: `claim ${time}`, sources };
        const items = await harness.store.claimMessages({ ...claim, ...(after !== undefined && { after }) });
        equal(items.length, 2);
        after = items.at(-1)?.source;
        served.push(items.map(({ source }) => source));
      }
      same([...new Set(served.flat())].sort(), sources);
    },
  },
  {
    title: 'claimMessages: takes the oldest messages of the source whose turn it is, then those of the next source',
    run: async (harness) => {
      const ids: string[] = [];
      for (const [source, ms] of [
        ['a', 0],
        ['a', 1],
        ['a', 2],
        ['b', 0],
      ] as const) {
        ids.push((await harness.append({ source, receivedAt: at(ms) })).id);
      }
      const claim = { now: at(5), leaseMs: LEASE_MS, limit: 3, sources: ['a', 'b'] };
      const first = await harness.store.claimMessages({ ...claim, lease: 'one', after: 'a' });
      const second = await harness.store.claimMessages({ ...claim, lease: 'two', after: 'a' });
      same(
        [first, second].map((items) => items.map(({ id }) => id)),
        [[ids[3], ids[0], ids[1]], [ids[2]]],
      );
    },
  },
  {
    title: 'claimDeliveries: gives each source of each handler a turn, however many deliveries of one are due',
    run: async (harness) => {
      await deliver(harness, 20, { handlerId: 'slow', source: 'flooding' });
      await deliver(harness, 20, { handlerId: 'other', source: 'flooding' });
      await deliver(harness, 1, { handlerId: 'slow', source: 'quiet', ms: 0 });
      await deliver(harness, 1, { handlerId: 'rare', source: 'quiet', ms: 0 });
      const taken = await claims(harness, 4, 1, ['slow', 'other', 'rare']);
      const turns = taken.map((items) => items.map(({ handlerId, event }) => `${handlerId} ${event.source}`));
      same(turns.flat().sort(), ['other flooding', 'rare quiet', 'slow flooding', 'slow quiet']);
    },
  },
  {
    title: 'claimDeliveries: fills a claim from one turn after another and returns deliveries in this order',
    run: async (harness) => {
      await deliver(harness, 3, { source: 'a' });
      await deliver(harness, 3, { source: 'b' });
      const [first = [], second = []] = await claims(harness, 2, 4, [HANDLER]);
      const sourcesOf = (items: readonly ClaimedDelivery[]) => items.map(({ event }) => event.source);
      const [one, other] = [sourcesOf(first)[0], sourcesOf(first)[3]];
      ok(one !== other);
      same(sourcesOf(first), [one, one, one, other]);
      same(sourcesOf(second), [other, other]);
    },
  },
  {
    title: 'claimDeliveries: finds deliveries behind any number of others that wait in their lane',
    run: async (harness) => {
      await blockLane(harness);
      const [free = ''] = await deliver(harness, 1, { ms: 1 });
      const [first = ''] = await deliver(harness, 2, { lane: 'free', ms: 1 });
      const { items } = await harness.takeDeliveries({ at: 1, limit: 10 });
      same(items.map(({ id }) => id).sort(), [free, first].sort());
      equal((await harness.takeDeliveries({ at: 1, limit: 10 })).items.length, 0);
    },
  },
  {
    title: 'dueDeliveries: returns one delivery of each turn before a second one of any turn',
    run: async (harness) => {
      await deliver(harness, 20, { source: 'flooding' });
      const [quiet] = await deliver(harness, 1, { source: 'quiet' });
      const [rare] = await deliver(harness, 1, { handlerId: 'rare' });
      const due = await harness.store.dueDeliveries({ now: at(0), limit: 3, handlerIds: [HANDLER, 'rare'] });
      const ids = due.map(({ id }) => id);
      equal(ids.length, 3);
      ok(ids.includes(quiet ?? '') && ids.includes(rare ?? ''));
    },
  },
  {
    title: 'dueDeliveries: finds deliveries behind any number of others that wait in their lane',
    run: async (harness) => {
      await blockLane(harness);
      const [first] = await deliver(harness, 2, { lane: 'free', ms: 1 });
      const due = await harness.store.dueDeliveries({ now: at(1), limit: 10, handlerIds: [HANDLER] });
      same(
        due.map(({ id }) => id),
        [first],
      );
    },
  },
  {
    title: 'claimTasks: skips tasks of excepted sources, and of those with stored messages, if the claim says so',
    run: async (harness) => {
      await addTaskOf(harness, 'kept back', 'behind', 'up-to-date');
      await harness.append({ source: 'behind' });
      const claim = { now: at(0), leaseMs: LEASE_MS, limit: 10, handlerIds: [HANDLER] };
      const exceptSources = ['kept back', 'nowhere'];
      const idsOf = async (lease: string, fields: { exceptSources?: string[]; unlessDue?: string[] }) =>
        (await harness.store.claimTasks({ ...claim, lease, ...fields })).map(({ id }) => id);
      same(await idsOf('one', { exceptSources, unlessDue: ['behind'] }), ['task of up-to-date']);
      same(await idsOf('two', { exceptSources }), ['task of behind']);
      same(await idsOf('three', { exceptSources: [] }), ['task of kept back']);
    },
  },
  {
    title: 'claimTasks: skips tasks of sources with stored messages if the claim says so',
    run: async (harness) => {
      await addTaskOf(harness, 'behind', 'up-to-date');
      await harness.append({ source: 'behind' });
      const claim = { now: at(0), leaseMs: LEASE_MS, limit: 10, handlerIds: [HANDLER] };
      const unlessDue = ['behind', 'up-to-date'];
      const first = await harness.store.claimTasks({ ...claim, lease: 'one', unlessDue });
      same(
        first.map(({ id }) => id),
        ['task of up-to-date'],
      );
      await harness.record(await harness.takeMessages({ sources: ['behind'] }));
      const second = await harness.store.claimTasks({ ...claim, lease: 'two', unlessDue });
      same(
        second.map(({ id }) => id),
        ['task of behind'],
      );
    },
  },
];
