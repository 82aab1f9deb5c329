import { equal } from 'node:assert/strict';
import { at, onlyOne, type StoreHarness } from './store-harness.js';
import type { ContractCase } from './contract-case.js';
import { same } from './same.js';

/** Dead letters of handlers a, b and c; answers their ids. */
async function die(harness: StoreHarness): Promise<Record<'a' | 'b' | 'c', string>> {
  await harness.readInto(harness.event({ handlerIds: ['a', 'b', 'c'] }));
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
    title: 'redrive: makes all dead letters due at once, and answers how many',
    run: async (harness) => {
      await die(harness);
      equal(await harness.store.redrive({}, harness.decision(), at(0)), 3);
      same(await takenNow(harness), ['a', 'b', 'c']);
      equal((await harness.store.counts()).deliveries.dead, 0);
    },
  },
  {
    title: 'redrive: only those named by id, or of the handler named, or both',
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
    title: 'redrive: leaves alone what is no dead letter',
    run: async (harness) => {
      await harness.readInto(harness.event({ handlerIds: ['succeeded', 'skipped', 'held'] }));
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
    title: 'redrive: attempts are numbered on, and those before are told apart',
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
    title: 'redrive: the settlement of the attempt that died comes too late',
    run: async (harness) => {
      await harness.readInto(harness.event());
      const died = onlyOne(await harness.takeDeliveries());
      await harness.settle(died, { state: 'dead' });
      await harness.store.redrive({}, harness.decision(), at(0));
      equal(await harness.settle(died), false);
    },
  },
];
