import { equal } from 'node:assert/strict';
import { at, HANDLER, MUCH_LATER, onlyOne, type StoreHarness } from './store-harness.js';
import type { ContractCase } from './contract-case.js';
import { same } from './same.js';

/** Records an event with a delivery in each lane; answers the ids of the deliveries. */
async function readIntoLanes(harness: StoreHarness, lanes: readonly (string | undefined)[]): Promise<string[]> {
  const ids: string[] = [];
  for (const lane of lanes) {
    const event = harness.event();
    const deliveries = event.deliveries.map((delivery) => ({ ...delivery, ...(lane && { lane }) }));
    await harness.readInto({ ...event, deliveries });
    ids.push(...deliveries.map(({ id }) => id));
  }
  return ids;
}

export const laneCases: readonly ContractCase[] = [
  {
    title: 'lanes: only the first delivery of a lane is taken, and the next one when it is settled',
    run: async (harness) => {
      const ids = await readIntoLanes(harness, ['lane', 'lane', 'lane']);
      for (const [index, state] of (['succeeded', 'skipped', 'dead'] as const).entries()) {
        const held = onlyOne(await harness.takeDeliveries());
        equal(held.id, ids[index]);
        equal((await harness.takeDeliveries()).items.length, 0);
        await harness.settle(held, { state });
      }
    },
  },
  {
    title: 'lanes: a delivery that waits for its next attempt holds up its lane',
    run: async (harness) => {
      const [first] = await readIntoLanes(harness, ['lane', 'lane']);
      await harness.settle(onlyOne(await harness.takeDeliveries()), { state: 'pending', dueAt: at(100) });
      equal((await harness.takeDeliveries({ at: 99 })).items.length, 0);
      equal(onlyOne(await harness.takeDeliveries({ at: 100 })).id, first);
    },
  },
  {
    title: 'lanes: a delivery whose lease is over is taken again before the next one of its lane',
    run: async (harness) => {
      const [first] = await readIntoLanes(harness, ['lane', 'lane']);
      await harness.takeDeliveries();
      equal(onlyOne(await harness.takeDeliveries({ at: MUCH_LATER })).id, first);
    },
  },
  {
    title: 'lanes: a redriven delivery is not taken while a later one of its lane is held',
    run: async (harness) => {
      const [first, second] = await readIntoLanes(harness, ['lane', 'lane']);
      await harness.settle(onlyOne(await harness.takeDeliveries()), { state: 'dead' });
      const held = onlyOne(await harness.takeDeliveries());
      equal(held.id, second);
      equal(await harness.store.redrive({}, harness.decision(), at(0)), 1);
      equal((await harness.takeDeliveries()).items.length, 0);
      await harness.settle(held);
      equal(onlyOne(await harness.takeDeliveries()).id, first);
    },
  },
  {
    title: 'lanes: deliveries of other lanes and of none go on',
    run: async (harness) => {
      const [one, , two, free, alsoFree] = await readIntoLanes(harness, ['one', 'one', 'two', undefined, undefined]);
      const { items } = await harness.takeDeliveries();
      same(items.map(({ id }) => id).sort(), [one, two, free, alsoFree].map(String).sort());
    },
  },
  {
    title: 'lanes: deliveries that wait in their lane do not use up the limit',
    run: async (harness) => {
      const ids = await readIntoLanes(harness, ['lane', 'lane', 'lane', undefined]);
      await harness.takeDeliveries({ limit: 1 });
      equal(onlyOne(await harness.takeDeliveries({ limit: 1 })).id, ids[3]);
    },
  },
  {
    title: 'lanes: of claims at once only one takes the first delivery of a lane',
    run: async (harness) => {
      const ids = await readIntoLanes(harness, ['lane', 'lane', 'lane']);
      const taken = await Promise.all(
        Array.from({ length: 10 }, () => harness.takeDeliveries({ handlerIds: [HANDLER] })),
      );
      same(
        taken.flatMap(({ items }) => items.map(({ id }) => id)),
        ids.slice(0, 1),
      );
    },
  },
];
