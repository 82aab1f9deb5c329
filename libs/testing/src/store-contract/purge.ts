import { equal, ok } from 'node:assert/strict';
import { rowsOf, type Purge, type RunState } from 'nestjs-runhooks/core';
import { at, onlyOne, SOURCE, type StoreBench } from './bench.js';
import type { ContractCase } from './contract-case.js';
import { same } from './same.js';

const RUN = { source: SOURCE, accountId: '1', runId: '42' };
const STATE: RunState = { jobKey: '1/7', outcome: 'failed', contradicted: false, types: ['run.failed'] };

/** Before everything else that happens in a case. */
const NEVER = at(-1_000_000);

/** Purges in small steps until there is nothing left; answers how many rows went. */
async function purge(bench: StoreBench, fields: Partial<Purge>): Promise<number> {
  const asked = { settledBefore: NEVER, deadBefore: NEVER, keysBefore: NEVER, tasksBefore: NEVER, limit: 2, ...fields };
  let removed = 0;
  for (let step = 0; step < 100; step += 1) {
    const rows = rowsOf(await bench.store.purge(asked));
    if (rows === 0) return removed;
    removed += rows;
  }
  throw new Error('purging came to no end');
}

export const purgeCases: readonly ContractCase[] = [
  {
    title: 'purge: removes settled messages that are old, with all that came of them, and leaves newer ones',
    run: async (bench) => {
      for (let count = 0; count < 5; count += 1) {
        await bench.readInto(bench.event());
        await bench.settle(onlyOne(await bench.takeDeliveries()));
      }
      const newer = await bench.append({ receivedAt: at(100) });
      await bench.record(await bench.takeMessages({ at: 100 }), { state: 'quarantined' });
      ok((await purge(bench, { settledBefore: at(50) })) >= 5);
      const { messages, events, deliveries } = await bench.store.counts();
      same([messages.read, messages.quarantined, events, deliveries.succeeded], [0, 1, 0, 0]);
      equal((await bench.store.message(newer.id))?.id, newer.id);
      equal(await purge(bench, { settledBefore: at(50) }), 0);
    },
  },
  {
    title: 'purge: a step removes no more than the limit of each kind',
    run: async (bench) => {
      for (let count = 0; count < 5; count += 1) await bench.readInto(bench.event({ handlerIds: [] }));
      const late = at(50);
      await bench.store.purge({ settledBefore: late, deadBefore: late, keysBefore: late, tasksBefore: late, limit: 2 });
      equal((await bench.store.counts()).messages.read, 3);
    },
  },
  {
    title: 'purge: never removes a message that is still to be read, or one with a delivery that is not settled',
    run: async (bench) => {
      await bench.append({ source: 'unread' });
      await bench.readInto(bench.event({ handlerIds: ['done', 'waiting'] }));
      await bench.settle(onlyOne(await bench.takeDeliveries({ handlerIds: ['done'] })));
      equal(await purge(bench, { settledBefore: at(50), deadBefore: at(50) }), 0);
      equal((await bench.takeMessages({ sources: ['unread'] })).items.length, 1);
      equal((await bench.takeDeliveries({ handlerIds: ['waiting'] })).items.length, 1);
    },
  },
  {
    title: 'purge: keeps messages that led to a dead letter until that is old, too',
    run: async (bench) => {
      await bench.readInto(bench.event({ handlerIds: ['dead', 'done'] }));
      await bench.settle(onlyOne(await bench.takeDeliveries({ handlerIds: ['done'] })));
      await bench.settle(onlyOne(await bench.takeDeliveries({ handlerIds: ['dead'] })), { state: 'dead' });
      equal(await purge(bench, { settledBefore: at(50) }), 0);
      equal(await bench.store.redrive({}, bench.decision(), at(0)), 1);
      const redriven = onlyOne(await bench.takeDeliveries({ handlerIds: ['dead'] }));
      await bench.settle(redriven, { state: 'dead' });
      ok((await purge(bench, { settledBefore: at(50), deadBefore: at(50) })) >= 1);
      equal((await bench.store.counts()).deliveries.dead, 0);
    },
  },
  {
    title: 'purge: a copy of a message that is gone is still a duplicate, and its run is still known',
    run: async (bench) => {
      const fields = { messageKey: 'same', body: Buffer.from('{}') };
      const first = await bench.append(fields);
      await bench.record(await bench.takeMessages(), { run: RUN, decide: () => ({ run: STATE, events: [] }) });
      await purge(bench, { settledBefore: at(50), deadBefore: at(50) });
      equal(await bench.store.message(first.id), undefined);
      const again = await bench.append(fields);
      same([again.status, again.id], ['duplicate', first.id]);
      equal((await bench.takeMessages()).items.length, 0);
      same(await knownRun(bench), STATE);
    },
  },
  {
    title: 'purge: the key of a message that is still there stays, however old',
    run: async (bench) => {
      const fields = { messageKey: 'same', body: Buffer.from('{}') };
      await bench.append(fields);
      await purge(bench, { settledBefore: at(50), deadBefore: at(50), keysBefore: at(50) });
      equal((await bench.append(fields)).status, 'duplicate');
    },
  },
  {
    title: 'purge: duplicate keys and runs go when they are old themselves',
    run: async (bench) => {
      const fields = { messageKey: 'same', body: Buffer.from('{}') };
      await bench.append(fields);
      await bench.record(await bench.takeMessages(), { run: RUN, decide: () => ({ run: STATE, events: [] }) });
      await purge(bench, { settledBefore: at(50), deadBefore: at(50), keysBefore: at(50) });
      equal((await bench.append(fields)).status, 'accepted');
      equal(await knownRun(bench), undefined);
    },
  },
];

/** Reads another message about the run. */
async function knownRun(bench: StoreBench): Promise<RunState | undefined> {
  let known: RunState | undefined;
  await bench.append();
  await bench.record(await bench.takeMessages(), {
    run: RUN,
    decide: (found) => {
      known = found.run;
      return { events: [] };
    },
  });
  return known;
}
