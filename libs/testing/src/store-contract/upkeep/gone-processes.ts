import { equal } from 'node:assert/strict';
import type { Registration } from 'nestjs-runhooks/core';
import { at, HANDLER, LEASE_MS, onlyOne, OWN, SOURCE, type StoreHarness } from '../store-harness.js';
import type { ContractCase } from '../contract-case.js';
import { recordClaimed } from '../parsing/record-claimed.js';
import { same } from '../same.js';
import { register } from './register.js';

const NEVER = at(-1_000_000);
const GONE: Partial<Registration> = { host: 'this host', pid: 7, lease: OWN.lease };

/** Stores a message and a delivery that are claimed by the process with the lease of {@link OWN}. */
async function claimWork(harness: StoreHarness): Promise<{ messageId: string; deliveryId: string }> {
  const deliveryId = await recordClaimed(harness);
  const { id: messageId } = await harness.append({ claim: OWN });
  return { messageId, deliveryId };
}

async function processIds(harness: StoreHarness): Promise<string[]> {
  return (await harness.store.processes(NEVER)).map(({ id }) => id);
}

/** Asserts that the work of {@link claimWork} is still claimed. */
async function isHeld(harness: StoreHarness): Promise<void> {
  equal((await harness.takeMessages({ at: LEASE_MS - 1 })).items.length, 0);
  equal((await harness.takeDeliveries({ at: LEASE_MS - 1 })).items.length, 0);
}

/** Stores a message, and records a delivery and a task. */
async function addWork(harness: StoreHarness): Promise<void> {
  const event = harness.event();
  const task = { id: `task of ${event.id}`, kind: 'hand-off', handlerId: HANDLER, dueAt: at(0), data: '{}' } as const;
  await harness.append();
  await harness.record(await harness.takeMessages(), { decide: () => ({ events: [event], tasks: [task] }) });
  await harness.append();
}

/** Claims all due messages, deliveries and tasks. Returns their numbers. */
async function claimAll({ store }: StoreHarness, lease: string): Promise<number[]> {
  const claim = { now: at(0), leaseMs: LEASE_MS, limit: 9, lease, handlerIds: [HANDLER] };
  const messages = await store.claimMessages({ ...claim, sources: [SOURCE] });
  const deliveries = await store.claimDeliveries(claim);
  const tasks = await store.claimTasks(claim);
  return [messages, deliveries, tasks].map(({ length }) => length);
}

export const goneProcessCases: readonly ContractCase[] = [
  {
    title: 'register: removes processes that are gone, by their host and process id, but never itself',
    run: async (harness) => {
      await register(harness, 'gone', [], { place: GONE });
      await register(harness, 'running', [], { place: { ...GONE, pid: 8 } });
      await register(harness, 'elsewhere', [], { place: { ...GONE, host: 'another host' } });
      await register(harness, 'unknown', []);
      const asked: string[] = [];
      const isGone = (host: string, pid: number) => {
        asked.push(`${host} ${pid}`);
        return host === 'this host' && pid === 7;
      };
      await register(harness, 'here', [], { started: 1, place: { ...GONE, isGone } });
      same((await processIds(harness)).sort(), ['elsewhere', 'here', 'running', 'unknown']);
      same(
        asked.sort((one, other) => (one < other ? -1 : 1)),
        [' 0', 'another host 7', 'this host 7', 'this host 8'],
      );
    },
  },
];

/** Cases for a store with `release`. */
export const goneLeaseCases: readonly ContractCase[] = [
  {
    title: 'register: releases the work of a process that is gone, whose attempts stay counted',
    run: async (harness) => {
      await register(harness, 'gone', [], { place: GONE });
      const { messageId, deliveryId } = await claimWork(harness);
      await register(harness, 'here', [], { place: { isGone: () => true } });
      const message = onlyOne(await harness.takeMessages());
      same([message.id, message.claims], [messageId, 1]);
      const delivery = onlyOne(await harness.takeDeliveries());
      same([delivery.id, delivery.attempt], [deliveryId, 2]);
      equal(await harness.settle({ id: deliveryId, lease: OWN.lease }), false);
    },
  },
  {
    title: 'register: releases what a process that is gone has claimed with tokens that begin with its lease',
    run: async (harness) => {
      await register(harness, 'gone', [], { place: GONE });
      await addWork(harness);
      same(await claimAll(harness, `${OWN.lease}.1`), [1, 1, 1]);
      await register(harness, 'here', [], { place: { isGone: () => true } });
      same(await claimAll(harness, 'next'), [1, 1, 1]);
    },
  },
  {
    title: 'register: releases no claim whose token only begins like the lease of a process that is gone',
    run: async (harness) => {
      for (const lease of [`${OWN.lease}-1.1`, `${OWN.lease}1.1`, `${OWN.lease}/1`, `.${OWN.lease}.1`]) {
        await register(harness, 'gone', [], { place: GONE });
        await addWork(harness);
        same(await claimAll(harness, lease), [1, 1, 1]);
        await register(harness, 'here', [], { place: { isGone: () => true } });
        same(await claimAll(harness, 'next'), [0, 0, 0]);
      }
    },
  },
  {
    title: 'register: releases the work of a process without heartbeats',
    run: async (harness) => {
      await register(harness, 'lapsed', [], { place: GONE });
      const { messageId, deliveryId } = await claimWork(harness);
      await register(harness, 'here', [], { at: 2, lapsedBefore: at(1) });
      same(await processIds(harness), ['here']);
      equal(onlyOne(await harness.takeMessages({ at: 2 })).id, messageId);
      equal(onlyOne(await harness.takeDeliveries({ at: 2 })).id, deliveryId);
    },
  },
  {
    title: 'register: releases no work of a process that runs, of itself, or with another lease',
    run: async (harness) => {
      await register(harness, 'running', [], { place: GONE });
      await register(harness, 'gone', [], { place: { ...GONE, pid: 8, lease: 'another' } });
      await claimWork(harness);
      await register(harness, 'here', [], { place: { isGone: (_, pid) => pid === 8 } });
      same(await processIds(harness), ['here', 'running']);
      await isHeld(harness);
      await register(harness, 'running', [], { place: { ...GONE, isGone: () => true } });
      same(await processIds(harness), ['running']);
      await isHeld(harness);
    },
  },
  {
    title: 'register: releases no finished work of a process that is gone',
    run: async (harness) => {
      await register(harness, 'gone', [], { place: GONE });
      const deliveryId = await recordClaimed(harness);
      await harness.settle({ id: deliveryId, lease: OWN.lease });
      await register(harness, 'here', [], { place: { isGone: () => true } });
      equal((await harness.takeDeliveries()).items.length, 0);
      equal((await harness.store.counts()).deliveries.succeeded, 1);
    },
  },
];
