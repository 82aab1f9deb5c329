import { equal } from 'node:assert/strict';
import { at, LEASE_MS, MUCH_LATER, onlyOne } from './store-harness.js';
import type { ContractCase } from './contract-case.js';
import { same } from './same.js';

export const claimMessagesCases: readonly ContractCase[] = [
  {
    title: 'claimMessages: takes first what came first, and no more than the limit',
    run: async (harness) => {
      const early = await harness.append({ receivedAt: at(0) });
      const middle = await harness.append({ receivedAt: at(10) });
      const late = await harness.append({ receivedAt: at(20) });
      const first = await harness.takeMessages({ at: 100, limit: 2 });
      same(
        first.items.map(({ id }) => id),
        [early.id, middle.id],
      );
      equal(onlyOne(await harness.takeMessages({ at: 100, limit: 2 })).id, late.id);
    },
  },
  {
    title: 'claimMessages: takes a message at once that was received by a clock which is years ahead, in its turn',
    run: async (harness) => {
      const ahead = await harness.append({ receivedAt: at(MUCH_LATER) });
      const right = await harness.append({ receivedAt: at(0) });
      const { items } = await harness.takeMessages();
      same(
        items.map(({ id }) => id),
        [ahead.id, right.id],
      );
    },
  },
  {
    title: 'claimMessages: takes a message at once that is to be read again by a clock which is years ahead',
    run: async (harness) => {
      const { id } = await harness.append();
      await harness.record(await harness.takeMessages(), { state: 'unrecognized' });
      equal(
        await harness.store.reparse(
          { states: ['unrecognized'], withoutHandlers: false },
          harness.decision(),
          at(MUCH_LATER),
        ),
        1,
      );
      equal(onlyOne(await harness.takeMessages()).id, id);
    },
  },
  {
    title: 'claimMessages: takes only messages of the sources named',
    run: async (harness) => {
      const one = await harness.append({ source: 'one' });
      const two = await harness.append({ source: 'two' });
      const three = await harness.append({ source: 'three' });
      equal((await harness.takeMessages({ sources: [] })).items.length, 0);
      equal((await harness.takeMessages({ sources: ['elsewhere'] })).items.length, 0);
      const { items } = await harness.takeMessages({ sources: ['one', 'three', 'elsewhere'] });
      same(items.map(({ id }) => id).sort(), [one.id, three.id].sort());
      equal(onlyOne(await harness.takeMessages({ sources: ['two'] })).id, two.id);
    },
  },
  {
    title: 'claimMessages: messages of other sources do not use up the limit',
    run: async (harness) => {
      for (let count = 0; count < 5; count += 1) await harness.append({ source: 'other', receivedAt: at(0) });
      const { id } = await harness.append({ receivedAt: at(1) });
      equal(onlyOne(await harness.takeMessages({ at: 1, limit: 1 })).id, id);
    },
  },
  {
    title: 'claimMessages: a claim holds until its lease is over; then the message is taken again',
    run: async (harness) => {
      await harness.append();
      const first = onlyOne(await harness.takeMessages());
      equal((await harness.takeMessages({ at: 0 })).items.length, 0);
      equal((await harness.takeMessages({ at: LEASE_MS - 1 })).items.length, 0);
      equal(onlyOne(await harness.takeMessages({ at: LEASE_MS + 1 })).id, first.id);
    },
  },
  {
    title: 'claimMessages: counts how often a message was taken, this time included',
    run: async (harness) => {
      await harness.append();
      for (const reads of [1, 2, 3]) {
        const { items } = await harness.takeMessages({ at: reads * 2 * LEASE_MS });
        equal(items[0]?.claims, reads);
      }
    },
  },
  {
    title: 'claimMessages: takes a message whose reading was begun before alone, and new ones without it',
    run: async (harness) => {
      const begun = [await harness.append(), await harness.append()].map(({ id }) => id);
      equal((await harness.takeMessages()).items.length, 2);
      const early = [await harness.append({ receivedAt: at(1) }), await harness.append({ receivedAt: at(2) })];
      const late = await harness.append({ receivedAt: at(2 * LEASE_MS) });
      const takeIds = async () => (await harness.takeMessages({ at: 2 * LEASE_MS })).items.map(({ id }) => id);
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
    run: async (harness) => {
      for (let count = 0; count < 100; count += 1) await harness.append();
      const taken = await Promise.all(Array.from({ length: 20 }, () => harness.takeMessages({ limit: 10 })));
      const ids = taken.flatMap(({ items }) => items.map(({ id }) => id));
      equal(ids.length, 100);
      equal(new Set(ids).size, 100);
    },
  },
  {
    title: 'claimMessages: a message that was read is never taken again, whatever its state',
    run: async (harness) => {
      for (const state of ['parsed', 'test', 'unrecognized', 'quarantined'] as const) {
        await harness.append();
        await harness.record(await harness.takeMessages(), { state });
      }
      equal((await harness.takeMessages({ at: MUCH_LATER })).items.length, 0);
    },
  },
];
