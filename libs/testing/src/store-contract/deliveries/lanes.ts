import { equal } from 'node:assert/strict';
import { at, HANDLER, MUCH_LATER, onlyOne, type StoreHarness } from '../store-harness.js';
import type { ContractCase } from '../contract-case.js';
import { same } from '../same.js';

/** Records an event with a delivery in each lane, and returns the ids of the deliveries. */
async function recordInLanes(harness: StoreHarness, lanes: readonly (string | undefined)[]): Promise<string[]> {
  const ids: string[] = [];
  for (const lane of lanes) {
    const event = harness.event();
    const deliveries = event.deliveries.map((delivery) => ({ ...delivery, ...(lane && { lane }) }));
    await harness.recordEvent({ ...event, deliveries });
    ids.push(...deliveries.map(({ id }) => id));
  }
  return ids;
}

export const laneCases: readonly ContractCase[] = [
  {
    title: 'lanes: takes only the first delivery of a lane, and the next one after it is settled',
    run: async (harness) => {
      const ids = await recordInLanes(harness, ['lane', 'lane', 'lane']);
      for (const [index, state] of (['succeeded', 'skipped', 'dead'] as const).entries()) {
        const held = onlyOne(await harness.takeDeliveries());
        equal(held.id, ids[index]);
        equal((await harness.takeDeliveries()).items.length, 0);
        await harness.settle(held, { state });
      }
    },
  },
  {
    title: 'lanes: blocks a lane while a delivery waits for its next attempt',
    run: async (harness) => {
      const [first] = await recordInLanes(harness, ['lane', 'lane']);
      await harness.settle(onlyOne(await harness.takeDeliveries()), { state: 'pending', dueAt: at(100) });
      equal((await harness.takeDeliveries({ at: 99 })).items.length, 0);
      equal(onlyOne(await harness.takeDeliveries({ at: 100 })).id, first);
    },
  },
  {
    title: 'lanes: takes a delivery with an expired lease before the next one of its lane',
    run: async (harness) => {
      const [first] = await recordInLanes(harness, ['lane', 'lane']);
      await harness.takeDeliveries();
      equal(onlyOne(await harness.takeDeliveries({ at: MUCH_LATER })).id, first);
    },
  },
  {
    title: 'lanes: does not take a redriven delivery while a later one of its lane is claimed',
    run: async (harness) => {
      const [first, second] = await recordInLanes(harness, ['lane', 'lane']);
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
    title: 'lanes: takes deliveries of other lanes and of no lane',
    run: async (harness) => {
      const [one, , two, free, alsoFree] = await recordInLanes(harness, ['one', 'one', 'two', undefined, undefined]);
      const { items } = await harness.takeDeliveries();
      same(items.map(({ id }) => id).sort(), [one, two, free, alsoFree].map(String).sort());
    },
  },
  {
    title: 'lanes: does not count deliveries that wait in their lane toward the limit',
    run: async (harness) => {
      const ids = await recordInLanes(harness, ['lane', 'lane', 'lane', undefined]);
      await harness.takeDeliveries({ limit: 1 });
      equal(onlyOne(await harness.takeDeliveries({ limit: 1 })).id, ids[3]);
    },
  },
  {
    title: 'lanes: lets one of several concurrent claims take the first delivery of a lane',
    run: async (harness) => {
      const ids = await recordInLanes(harness, ['lane', 'lane', 'lane']);
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
