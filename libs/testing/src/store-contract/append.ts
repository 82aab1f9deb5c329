import { equal, notEqual } from 'node:assert/strict';
import type { ContractCase } from './contract-case.js';

export const appendCases: readonly ContractCase[] = [
  {
    title: 'append: the same id and bytes again are a duplicate, answered with the id of the first',
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
    title: 'append: a message accepted is stored under the id it was given',
    run: async (harness) => {
      const message = harness.message();
      equal((await harness.store.append(message)).id, message.id);
      equal((await harness.takeMessages()).items[0]?.id, message.id);
    },
  },
  {
    title: 'append: of copies that arrive at once exactly one is accepted, and all are answered with its id',
    run: async (harness) => {
      const fields = { messageKey: 'same', body: Buffer.from('{}') };
      const answers = await Promise.all(Array.from({ length: 50 }, () => harness.append(fields)));
      equal(answers.filter(({ status }) => status === 'accepted').length, 1);
      equal(new Set(answers.map(({ id }) => id)).size, 1);
      equal((await harness.takeMessages()).items.length, 1);
    },
  },
  {
    title: 'append: the same id with other bytes is a second message',
    run: async (harness) => {
      const first = await harness.append({ messageKey: 'same', body: Buffer.from('one') });
      const second = await harness.append({ messageKey: 'same', body: Buffer.from('two') });
      equal(second.status, 'accepted');
      notEqual(second.id, first.id);
      equal((await harness.takeMessages()).items.length, 2);
    },
  },
  {
    title: 'append: the same id and bytes from another source are a message of its own',
    run: async (harness) => {
      const fields = { messageKey: 'same', body: Buffer.from('{}') };
      await harness.append({ ...fields, source: 'one' });
      equal((await harness.append({ ...fields, source: 'two' })).status, 'accepted');
    },
  },
  {
    title: 'append: messages without an id are told apart by their bytes',
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
    title: 'append: a copy is a duplicate also after the message was read',
    run: async (harness) => {
      const fields = { messageKey: 'same', body: Buffer.from('{}') };
      await harness.append(fields);
      await harness.record(await harness.takeMessages());
      equal((await harness.append(fields)).status, 'duplicate');
      equal((await harness.takeMessages()).items.length, 0);
    },
  },
  {
    title: 'append: 2000 messages at once are all accepted',
    run: async (harness) => {
      const answers = await Promise.all(Array.from({ length: 2_000 }, () => harness.append()));
      equal(answers.filter(({ status }) => status === 'accepted').length, 2_000);
      equal((await harness.takeMessages({ limit: 3_000 })).items.length, 2_000);
    },
  },
];
