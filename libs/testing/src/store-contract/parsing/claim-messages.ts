import { equal } from 'node:assert/strict';
import { at, LEASE_MS, MUCH_LATER, onlyOne } from '../store-harness.js';
import type { ContractCase } from '../contract-case.js';
import { same } from '../same.js';

export const claimMessagesCases: readonly ContractCase[] = [
  {
    title: 'claimMessages: takes the oldest messages first, up to the limit',
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
    title: 'claimMessages: takes a message in its turn that was received by a clock years ahead',
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
    title: 'claimMessages: takes a message immediately that was made stored again by a clock years ahead',
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
    title: 'claimMessages: takes only messages of the given sources',
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
    title: 'claimMessages: does not count messages of other sources toward the limit',
    run: async (harness) => {
      for (let count = 0; count < 5; count += 1) await harness.append({ source: 'other', receivedAt: at(0) });
      const { id } = await harness.append({ receivedAt: at(1) });
      equal(onlyOne(await harness.takeMessages({ at: 1, limit: 1 })).id, id);
    },
  },
  {
    title: 'claimMessages: holds a message until its lease expires, then takes it again',
    run: async (harness) => {
      await harness.append();
      const first = onlyOne(await harness.takeMessages());
      equal((await harness.takeMessages({ at: 0 })).items.length, 0);
      equal((await harness.takeMessages({ at: LEASE_MS - 1 })).items.length, 0);
      equal(onlyOne(await harness.takeMessages({ at: LEASE_MS + 1 })).id, first.id);
    },
  },
  {
    title: 'claimMessages: counts the claims of a message, including the current one',
    run: async (harness) => {
      await harness.append();
      for (const reads of [1, 2, 3]) {
        const { items } = await harness.takeMessages({ at: reads * 2 * LEASE_MS });
        equal(items[0]?.claims, reads);
      }
    },
  },
  {
    title: 'claimMessages: takes a message that was claimed before alone, and new messages without it',
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
    title: 'claimMessages: never takes a message twice in concurrent claims',
    run: async (harness) => {
      for (let count = 0; count < 100; count += 1) await harness.append();
      const taken = await Promise.all(Array.from({ length: 20 }, () => harness.takeMessages({ limit: 10 })));
      const ids = taken.flatMap(({ items }) => items.map(({ id }) => id));
      equal(ids.length, 100);
      equal(new Set(ids).size, 100);
    },
  },
  {
    title: 'claimMessages: never takes a parsed message again, whatever its state',
    run: async (harness) => {
      for (const state of ['parsed', 'test', 'unrecognized', 'quarantined'] as const) {
        await harness.append();
        await harness.record(await harness.takeMessages(), { state });
      }
      equal((await harness.takeMessages({ at: MUCH_LATER })).items.length, 0);
    },
  },
];
