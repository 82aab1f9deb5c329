import { equal } from 'node:assert/strict';
import { at, LEASE_MS, MUCH_LATER, onlyOne } from './bench.js';
import type { ContractCase } from './contract-case.js';
import { same } from './same.js';

export const claimMessagesCases: readonly ContractCase[] = [
  {
    title: 'claimMessages: takes first what came first, and no more than the limit',
    run: async (bench) => {
      const early = await bench.append({ receivedAt: at(0) });
      const middle = await bench.append({ receivedAt: at(10) });
      const late = await bench.append({ receivedAt: at(20) });
      const first = await bench.takeMessages({ at: 100, limit: 2 });
      same(
        first.items.map(({ id }) => id),
        [early.id, middle.id],
      );
      equal(onlyOne(await bench.takeMessages({ at: 100, limit: 2 })).id, late.id);
    },
  },
  {
    title: 'claimMessages: takes a message at once that was received by a clock which is years ahead, in its turn',
    run: async (bench) => {
      const ahead = await bench.append({ receivedAt: at(MUCH_LATER) });
      const right = await bench.append({ receivedAt: at(0) });
      const { items } = await bench.takeMessages();
      same(
        items.map(({ id }) => id),
        [ahead.id, right.id],
      );
    },
  },
  {
    title: 'claimMessages: takes a message at once that is to be read again by a clock which is years ahead',
    run: async (bench) => {
      const { id } = await bench.append();
      await bench.record(await bench.takeMessages(), { state: 'unknown' });
      equal(await bench.store.reread({ states: ['unknown'], quiet: false }, bench.decision(), at(MUCH_LATER)), 1);
      equal(onlyOne(await bench.takeMessages()).id, id);
    },
  },
  {
    title: 'claimMessages: takes only messages of the sources named',
    run: async (bench) => {
      const one = await bench.append({ source: 'one' });
      const two = await bench.append({ source: 'two' });
      const three = await bench.append({ source: 'three' });
      equal((await bench.takeMessages({ sources: [] })).items.length, 0);
      equal((await bench.takeMessages({ sources: ['elsewhere'] })).items.length, 0);
      const { items } = await bench.takeMessages({ sources: ['one', 'three', 'elsewhere'] });
      same(items.map(({ id }) => id).sort(), [one.id, three.id].sort());
      equal(onlyOne(await bench.takeMessages({ sources: ['two'] })).id, two.id);
    },
  },
  {
    title: 'claimMessages: messages of other sources do not use up the limit',
    run: async (bench) => {
      for (let count = 0; count < 5; count += 1) await bench.append({ source: 'other', receivedAt: at(0) });
      const { id } = await bench.append({ receivedAt: at(1) });
      equal(onlyOne(await bench.takeMessages({ at: 1, limit: 1 })).id, id);
    },
  },
  {
    title: 'claimMessages: a claim holds until its lease is over; then the message is taken again',
    run: async (bench) => {
      await bench.append();
      const first = onlyOne(await bench.takeMessages());
      equal((await bench.takeMessages({ at: 0 })).items.length, 0);
      equal((await bench.takeMessages({ at: LEASE_MS - 1 })).items.length, 0);
      equal(onlyOne(await bench.takeMessages({ at: LEASE_MS + 1 })).id, first.id);
    },
  },
  {
    title: 'claimMessages: counts how often a message was taken, this time included',
    run: async (bench) => {
      await bench.append();
      for (const reads of [1, 2, 3]) {
        const { items } = await bench.takeMessages({ at: reads * 2 * LEASE_MS });
        equal(items[0]?.reads, reads);
      }
    },
  },
  {
    title: 'claimMessages: takes a message whose reading was begun before alone, and new ones without it',
    run: async (bench) => {
      const begun = [await bench.append(), await bench.append()].map(({ id }) => id);
      equal((await bench.takeMessages()).items.length, 2);
      const early = [await bench.append({ receivedAt: at(1) }), await bench.append({ receivedAt: at(2) })];
      const late = await bench.append({ receivedAt: at(2 * LEASE_MS) });
      const takeIds = async () => (await bench.takeMessages({ at: 2 * LEASE_MS })).items.map(({ id }) => id);
      same(
        await takeIds(),
        [...early, late].map(({ id }) => id),
      );
      const [one = '', ...others] = await takeIds();
      const [other = '', ...more] = await takeIds();
      same([one, other].sort(), begun.sort());
      same([...others, ...more, ...(await takeIds())], []);
    },
  },
  {
    title: 'claimMessages: claims at once never take the same message',
    run: async (bench) => {
      for (let count = 0; count < 100; count += 1) await bench.append();
      const taken = await Promise.all(Array.from({ length: 20 }, () => bench.takeMessages({ limit: 10 })));
      const ids = taken.flatMap(({ items }) => items.map(({ id }) => id));
      equal(ids.length, 100);
      equal(new Set(ids).size, 100);
    },
  },
  {
    title: 'claimMessages: a message that was read is never taken again, whatever its state',
    run: async (bench) => {
      for (const state of ['read', 'test', 'unknown', 'quarantined'] as const) {
        await bench.append();
        await bench.record(await bench.takeMessages(), { state });
      }
      equal((await bench.takeMessages({ at: MUCH_LATER })).items.length, 0);
    },
  },
];
