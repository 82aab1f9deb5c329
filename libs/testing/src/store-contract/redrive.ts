import { equal } from 'node:assert/strict';
import { at, onlyOne, type StoreBench } from './bench.js';
import type { ContractCase } from './contract-case.js';
import { same } from './same.js';

/** Dead letters of handlers a, b and c; answers their ids. */
async function die(bench: StoreBench): Promise<Record<'a' | 'b' | 'c', string>> {
  await bench.readInto(bench.event({ handlerIds: ['a', 'b', 'c'] }));
  const dead = { a: '', b: '', c: '' };
  for (const handlerId of ['a', 'b', 'c'] as const) {
    const held = onlyOne(await bench.takeDeliveries({ handlerIds: [handlerId] }));
    await bench.settle(held, { state: 'dead' });
    dead[handlerId] = held.id;
  }
  return dead;
}

async function takenNow(bench: StoreBench): Promise<string[]> {
  const { items } = await bench.takeDeliveries({ handlerIds: ['a', 'b', 'c'] });
  return items.map(({ handlerId }) => handlerId).sort();
}

export const redriveCases: readonly ContractCase[] = [
  {
    title: 'redrive: makes all dead letters due at once, and answers how many',
    run: async (bench) => {
      await die(bench);
      equal(await bench.store.redrive({}, bench.decision(), at(0)), 3);
      same(await takenNow(bench), ['a', 'b', 'c']);
      equal((await bench.store.counts()).deliveries.dead, 0);
    },
  },
  {
    title: 'redrive: only those named by id, or of the handler named, or both',
    run: async (bench) => {
      const { a, b } = await die(bench);
      equal(await bench.store.redrive({ deliveryIds: [] }, bench.decision(), at(0)), 0);
      equal(await bench.store.redrive({ deliveryIds: ['dlv_nowhere'] }, bench.decision(), at(0)), 0);
      equal(await bench.store.redrive({ deliveryIds: [a], handlerId: 'b' }, bench.decision(), at(0)), 0);
      equal(await bench.store.redrive({ deliveryIds: [a, b], handlerId: 'b' }, bench.decision(), at(0)), 1);
      same(await takenNow(bench), ['b']);
      equal(await bench.store.redrive({ handlerId: 'c' }, bench.decision(), at(0)), 1);
      same(await takenNow(bench), ['c']);
      equal(await bench.store.redrive({ deliveryIds: [a] }, bench.decision(), at(0)), 1);
      same(await takenNow(bench), ['a']);
    },
  },
  {
    title: 'redrive: leaves alone what is no dead letter',
    run: async (bench) => {
      await bench.readInto(bench.event({ handlerIds: ['succeeded', 'skipped', 'held'] }));
      for (const state of ['succeeded', 'skipped'] as const) {
        await bench.settle(onlyOne(await bench.takeDeliveries({ handlerIds: [state] })), { state });
      }
      const held = onlyOne(await bench.takeDeliveries({ handlerIds: ['held'] }));
      equal(await bench.store.redrive({}, bench.decision(), at(0)), 0);
      equal(await bench.store.redrive({ deliveryIds: [held.id] }, bench.decision(), at(0)), 0);
      equal(await bench.settle(held), true);
    },
  },
  {
    title: 'redrive: attempts are numbered on, and those before are told apart',
    run: async (bench) => {
      const { a } = await die(bench);
      await bench.store.redrive({ deliveryIds: [a] }, bench.decision(), at(0));
      const again = onlyOne(await bench.takeDeliveries({ handlerIds: ['a'] }));
      same([again.attempt, again.attemptsBefore], [2, 1]);
      await bench.settle(again, { state: 'dead' });
      equal((await bench.store.attempts(a)).length, 2);
    },
  },
  {
    title: 'redrive: the settlement of the attempt that died comes too late',
    run: async (bench) => {
      await bench.readInto(bench.event());
      const died = onlyOne(await bench.takeDeliveries());
      await bench.settle(died, { state: 'dead' });
      await bench.store.redrive({}, bench.decision(), at(0));
      equal(await bench.settle(died), false);
    },
  },
];
