import { equal, notEqual } from 'node:assert/strict';
import type { ContractCase } from '../contract-case.js';

export const appendCases: readonly ContractCase[] = [
  {
    title: 'append: reports the same key and bytes as a duplicate, with the id of the first message',
    run: async (harness) => {
      const fields = { messageKey: 'same', body: Buffer.from('{}') };
      const first = await harness.append(fields);
      const second = await harness.append(fields);
      equal(first.status, 'accepted');
      equal(second.status, 'duplicate');
      equal(second.id, first.id);
      equal((await harness.takeMessages()).items.length, 1);
    },
  },
  {
    title: 'append: stores an accepted message under its id',
    run: async (harness) => {
      const message = harness.message();
      equal((await harness.store.append(message)).id, message.id);
      equal((await harness.takeMessages()).items[0]?.id, message.id);
    },
  },
  {
    title: 'append: accepts exactly one of several concurrent copies and returns its id for all',
    run: async (harness) => {
      const fields = { messageKey: 'same', body: Buffer.from('{}') };
      const results = await Promise.all(Array.from({ length: 50 }, () => harness.append(fields)));
      equal(results.filter(({ status }) => status === 'accepted').length, 1);
      equal(new Set(results.map(({ id }) => id)).size, 1);
      equal((await harness.takeMessages()).items.length, 1);
    },
  },
  {
    title: 'append: accepts the same key with other bytes as a second message',
    run: async (harness) => {
      const first = await harness.append({ messageKey: 'same', body: Buffer.from('one') });
      const second = await harness.append({ messageKey: 'same', body: Buffer.from('two') });
      equal(second.status, 'accepted');
      notEqual(second.id, first.id);
      equal((await harness.takeMessages()).items.length, 2);
    },
  },
  {
    title: 'append: accepts the same key and bytes from another source',
    run: async (harness) => {
      const fields = { messageKey: 'same', body: Buffer.from('{}') };
      await harness.append({ ...fields, source: 'one' });
      equal((await harness.append({ ...fields, source: 'two' })).status, 'accepted');
    },
  },
  {
    title: 'append: distinguishes messages without a key by their bytes',
    run: async (harness) => {
      const first = await harness.append({ messageKey: '', body: Buffer.from('one') });
      const other = await harness.append({ messageKey: '', body: Buffer.from('two') });
      const again = await harness.append({ messageKey: '', body: Buffer.from('one') });
      equal(other.status, 'accepted');
      equal(again.status, 'duplicate');
      equal(again.id, first.id);
    },
  },
  {
    title: 'append: reports a copy as a duplicate even after the message was parsed',
    run: async (harness) => {
      const fields = { messageKey: 'same', body: Buffer.from('{}') };
      await harness.append(fields);
      await harness.record(await harness.takeMessages());
      equal((await harness.append(fields)).status, 'duplicate');
      equal((await harness.takeMessages()).items.length, 0);
    },
  },
  {
    title: 'append: accepts 2000 concurrent messages',
    run: async (harness) => {
      const results = await Promise.all(Array.from({ length: 2_000 }, () => harness.append()));
      equal(results.filter(({ status }) => status === 'accepted').length, 2_000);
      equal((await harness.takeMessages({ limit: 3_000 })).items.length, 2_000);
    },
  },
];
