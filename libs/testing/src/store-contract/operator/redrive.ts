import { equal } from 'node:assert/strict';
import { at, onlyOne, type StoreHarness } from '../store-harness.js';
import type { ContractCase } from '../contract-case.js';
import { same } from '../same.js';

/** Creates dead letters of the handlers a, b and c, and returns their ids. */
async function die(harness: StoreHarness): Promise<Record<'a' | 'b' | 'c', string>> {
  await harness.recordEvent(harness.event({ handlerIds: ['a', 'b', 'c'] }));
  const dead = { a: '', b: '', c: '' };
  for (const handlerId of ['a', 'b', 'c'] as const) {
    const held = onlyOne(await harness.takeDeliveries({ handlerIds: [handlerId] }));
    await harness.settle(held, { state: 'dead' });
    dead[handlerId] = held.id;
  }
  return dead;
}

async function takenNow(harness: StoreHarness): Promise<string[]> {
  const { items } = await harness.takeDeliveries({ handlerIds: ['a', 'b', 'c'] });
  return items.map(({ handlerId }) => handlerId).sort();
}

export const redriveCases: readonly ContractCase[] = [
  {
    title: 'redrive: makes all dead letters due immediately and returns their number',
    run: async (harness) => {
      await die(harness);
      equal(await harness.store.redrive({}, harness.decision(), at(0)), 3);
      same(await takenNow(harness), ['a', 'b', 'c']);
      equal((await harness.store.counts()).deliveries.dead, 0);
    },
  },
  {
    title: 'redrive: selects dead letters by id, by handler, or by both',
    run: async (harness) => {
      const { a, b } = await die(harness);
      equal(await harness.store.redrive({ deliveryIds: [] }, harness.decision(), at(0)), 0);
      equal(await harness.store.redrive({ deliveryIds: ['dlv_nowhere'] }, harness.decision(), at(0)), 0);
      equal(await harness.store.redrive({ deliveryIds: [a], handlerId: 'b' }, harness.decision(), at(0)), 0);
      equal(await harness.store.redrive({ deliveryIds: [a, b], handlerId: 'b' }, harness.decision(), at(0)), 1);
      same(await takenNow(harness), ['b']);
      equal(await harness.store.redrive({ handlerId: 'c' }, harness.decision(), at(0)), 1);
      same(await takenNow(harness), ['c']);
      equal(await harness.store.redrive({ deliveryIds: [a] }, harness.decision(), at(0)), 1);
      same(await takenNow(harness), ['a']);
    },
  },
  {
    title: 'redrive: changes only dead letters',
    run: async (harness) => {
      await harness.recordEvent(harness.event({ handlerIds: ['succeeded', 'skipped', 'held'] }));
      for (const state of ['succeeded', 'skipped'] as const) {
        await harness.settle(onlyOne(await harness.takeDeliveries({ handlerIds: [state] })), { state });
      }
      const held = onlyOne(await harness.takeDeliveries({ handlerIds: ['held'] }));
      equal(await harness.store.redrive({}, harness.decision(), at(0)), 0);
      equal(await harness.store.redrive({ deliveryIds: [held.id] }, harness.decision(), at(0)), 0);
      equal(await harness.settle(held), true);
    },
  },
  {
    title: 'redrive: continues the numbers of attempts and marks the earlier ones',
    run: async (harness) => {
      const { a } = await die(harness);
      await harness.store.redrive({ deliveryIds: [a] }, harness.decision(), at(0));
      const again = onlyOne(await harness.takeDeliveries({ handlerIds: ['a'] }));
      same([again.attempt, again.attemptsBefore], [2, 1]);
      await harness.settle(again, { state: 'dead' });
      equal((await harness.store.attempts(a)).length, 2);
    },
  },
  {
    title: 'redrive: rejects a late settlement of the attempt that failed',
    run: async (harness) => {
      await harness.recordEvent(harness.event());
      const died = onlyOne(await harness.takeDeliveries());
      await harness.settle(died, { state: 'dead' });
      await harness.store.redrive({}, harness.decision(), at(0));
      equal(await harness.settle(died), false);
    },
  },
];
