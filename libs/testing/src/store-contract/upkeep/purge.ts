import { equal, ok } from 'node:assert/strict';
import { rowsOf, type Purge, type RunState } from 'nestjs-runhooks/core';
import { at, onlyOne, SOURCE, type StoreHarness } from '../store-harness.js';
import type { ContractCase } from '../contract-case.js';
import { same } from '../same.js';

const RUN = { source: SOURCE, accountId: '1', runId: '42' };
const STATE: RunState = { jobKey: '1/7', outcome: 'failed', contradicted: false, types: ['run.failed'] };

/** A time before all others of the contract. */
const NEVER = at(-1_000_000);

/** Purges in small steps until nothing is left, and returns the number of deleted rows. */
async function purge(harness: StoreHarness, fields: Partial<Purge>): Promise<number> {
  const purge = {
    finishedBefore: NEVER,
    deadBefore: NEVER,
    deduplicationBefore: NEVER,
    goodBefore: NEVER,
    nodesBefore: NEVER,
    tasksBefore: NEVER,
    limit: 2,
    ...fields,
  };
  let removed = 0;
  for (let step = 0; step < 100; step += 1) {
    const rows = rowsOf(await harness.store.purge(purge));
    if (rows === 0) return removed;
    removed += rows;
  }
  throw new Error('purging came to no end');
}

export const purgeCases: readonly ContractCase[] = [
  {
    title: 'purge: deletes old settled messages with their events and deliveries, and keeps newer ones',
    run: async (harness) => {
      for (let count = 0; count < 5; count += 1) {
        await harness.recordEvent(harness.event());
        await harness.settle(onlyOne(await harness.takeDeliveries()));
      }
      const newer = await harness.append({ receivedAt: at(100) });
      await harness.record(await harness.takeMessages({ at: 100 }), { state: 'quarantined' });
      ok((await purge(harness, { finishedBefore: at(50) })) >= 5);
      const { messages, events, deliveries } = await harness.store.counts();
      same([messages.parsed, messages.quarantined, events, deliveries.succeeded], [0, 1, 0, 0]);
      equal((await harness.store.message(newer.id))?.id, newer.id);
      equal(await purge(harness, { finishedBefore: at(50) }), 0);
    },
  },
  {
    title: 'purge: deletes no more rows of each kind than the limit in one step',
    run: async (harness) => {
      for (let count = 0; count < 5; count += 1) await harness.recordEvent(harness.event({ handlerIds: [] }));
      const late = at(50);
      await harness.store.purge({
        finishedBefore: late,
        deadBefore: late,
        deduplicationBefore: late,
        goodBefore: late,
        nodesBefore: late,
        tasksBefore: late,
        limit: 2,
      });
      equal((await harness.store.counts()).messages.parsed, 3);
    },
  },
  {
    title: 'purge: never deletes a stored message or one with an unsettled delivery',
    run: async (harness) => {
      await harness.append({ source: 'unread' });
      await harness.recordEvent(harness.event({ handlerIds: ['done', 'waiting'] }));
      await harness.settle(onlyOne(await harness.takeDeliveries({ handlerIds: ['done'] })));
      equal(await purge(harness, { finishedBefore: at(50), deadBefore: at(50) }), 0);
      equal((await harness.takeMessages({ sources: ['unread'] })).items.length, 1);
      equal((await harness.takeDeliveries({ handlerIds: ['waiting'] })).items.length, 1);
    },
  },
  {
    title: 'purge: keeps the message of a dead letter until the dead letter is old',
    run: async (harness) => {
      await harness.recordEvent(harness.event({ handlerIds: ['dead', 'done'] }));
      await harness.settle(onlyOne(await harness.takeDeliveries({ handlerIds: ['done'] })));
      await harness.settle(onlyOne(await harness.takeDeliveries({ handlerIds: ['dead'] })), { state: 'dead' });
      equal(await purge(harness, { finishedBefore: at(50) }), 0);
      equal(await harness.store.redrive({}, harness.decision(), at(0)), 1);
      const redriven = onlyOne(await harness.takeDeliveries({ handlerIds: ['dead'] }));
      await harness.settle(redriven, { state: 'dead' });
      ok((await purge(harness, { finishedBefore: at(50), deadBefore: at(50) })) >= 1);
      equal((await harness.store.counts()).deliveries.dead, 0);
    },
  },
  {
    title: 'purge: keeps the deduplication key and the run of a deleted message',
    run: async (harness) => {
      const fields = { messageKey: 'same', body: Buffer.from('{}') };
      const first = await harness.append(fields);
      await harness.record(await harness.takeMessages(), { run: RUN, decide: () => ({ run: STATE, events: [] }) });
      await purge(harness, { finishedBefore: at(50), deadBefore: at(50) });
      equal(await harness.store.message(first.id), undefined);
      const again = await harness.append(fields);
      same([again.status, again.id], ['duplicate', first.id]);
      equal((await harness.takeMessages()).items.length, 0);
      same(await knownRun(harness), STATE);
    },
  },
  {
    title: 'purge: keeps the deduplication key of an existing message, however old',
    run: async (harness) => {
      const fields = { messageKey: 'same', body: Buffer.from('{}') };
      await harness.append(fields);
      await purge(harness, { finishedBefore: at(50), deadBefore: at(50), deduplicationBefore: at(50) });
      equal((await harness.append(fields)).status, 'duplicate');
    },
  },
  {
    title: 'purge: deletes deduplication keys and runs by their own age',
    run: async (harness) => {
      const fields = { messageKey: 'same', body: Buffer.from('{}') };
      await harness.append(fields);
      await harness.record(await harness.takeMessages(), { run: RUN, decide: () => ({ run: STATE, events: [] }) });
      await purge(harness, { finishedBefore: at(50), deadBefore: at(50), deduplicationBefore: at(50) });
      equal((await harness.append(fields)).status, 'accepted');
      equal(await knownRun(harness), undefined);
    },
  },
];

/** Records another message about the run. */
async function knownRun(harness: StoreHarness): Promise<RunState | undefined> {
  let known: RunState | undefined;
  await harness.append();
  await harness.record(await harness.takeMessages(), {
    run: RUN,
    decide: (found) => {
      known = found.run;
      return { events: [] };
    },
  });
  return known;
}
