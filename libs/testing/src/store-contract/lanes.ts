import { equal } from 'node:assert/strict';
import { at, HANDLER, MUCH_LATER, onlyOne, type StoreBench } from './bench.js';
import type { ContractCase } from './contract-case.js';
import { same } from './same.js';

/** Records an event with a delivery in each lane; answers the ids of the deliveries. */
async function readIntoLanes(bench: StoreBench, lanes: readonly (string | undefined)[]): Promise<string[]> {
  const ids: string[] = [];
  for (const lane of lanes) {
    const event = bench.event();
    const deliveries = event.deliveries.map((delivery) => ({ ...delivery, ...(lane && { lane }) }));
    await bench.readInto({ ...event, deliveries });
    ids.push(...deliveries.map(({ id }) => id));
  }
  return ids;
}

export const laneCases: readonly ContractCase[] = [
  {
    title: 'lanes: only the first delivery of a lane is taken, and the next one when it is settled',
    run: async (bench) => {
      const ids = await readIntoLanes(bench, ['lane', 'lane', 'lane']);
      for (const [index, state] of (['succeeded', 'skipped', 'dead'] as const).entries()) {
        const held = onlyOne(await bench.takeDeliveries());
        equal(held.id, ids[index]);
        equal((await bench.takeDeliveries()).items.length, 0);
        await bench.settle(held, { state });
      }
    },
  },
  {
    title: 'lanes: a delivery that waits for its next attempt holds up its lane',
    run: async (bench) => {
      const [first] = await readIntoLanes(bench, ['lane', 'lane']);
      await bench.settle(onlyOne(await bench.takeDeliveries()), { state: 'pending', dueAt: at(100) });
      equal((await bench.takeDeliveries({ at: 99 })).items.length, 0);
      equal(onlyOne(await bench.takeDeliveries({ at: 100 })).id, first);
    },
  },
  {
    title: 'lanes: a delivery whose lease is over is taken again before the next one of its lane',
    run: async (bench) => {
      const [first] = await readIntoLanes(bench, ['lane', 'lane']);
      await bench.takeDeliveries();
      equal(onlyOne(await bench.takeDeliveries({ at: MUCH_LATER })).id, first);
    },
  },
  {
    title: 'lanes: a redriven delivery is not taken while a later one of its lane is held',
    run: async (bench) => {
      const [first, second] = await readIntoLanes(bench, ['lane', 'lane']);
      await bench.settle(onlyOne(await bench.takeDeliveries()), { state: 'dead' });
      const held = onlyOne(await bench.takeDeliveries());
      equal(held.id, second);
      equal(await bench.store.redrive({}, bench.decision(), at(0)), 1);
      equal((await bench.takeDeliveries()).items.length, 0);
      await bench.settle(held);
      equal(onlyOne(await bench.takeDeliveries()).id, first);
    },
  },
  {
    title: 'lanes: deliveries of other lanes and of none go on',
    run: async (bench) => {
      const [one, , two, free, alsoFree] = await readIntoLanes(bench, ['one', 'one', 'two', undefined, undefined]);
      const { items } = await bench.takeDeliveries();
      same(items.map(({ id }) => id).sort(), [one, two, free, alsoFree].map(String).sort());
    },
  },
  {
    title: 'lanes: deliveries that wait in their lane do not use up the limit',
    run: async (bench) => {
      const ids = await readIntoLanes(bench, ['lane', 'lane', 'lane', undefined]);
      await bench.takeDeliveries({ limit: 1 });
      equal(onlyOne(await bench.takeDeliveries({ limit: 1 })).id, ids[3]);
    },
  },
  {
    title: 'lanes: of claims at once only one takes the first delivery of a lane',
    run: async (bench) => {
      const ids = await readIntoLanes(bench, ['lane', 'lane', 'lane']);
      const taken = await Promise.all(
        Array.from({ length: 10 }, () => bench.takeDeliveries({ handlerIds: [HANDLER] })),
      );
      same(
        taken.flatMap(({ items }) => items.map(({ id }) => id)),
        ids.slice(0, 1),
      );
    },
  },
];
