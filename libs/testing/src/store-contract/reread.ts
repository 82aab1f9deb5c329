import { equal } from 'node:assert/strict';
import type { MessageState } from 'nestjs-runhooks/core';
import { at, MUCH_LATER, onlyOne, type StoreBench } from './bench.js';
import type { ContractCase } from './contract-case.js';
import { same } from './same.js';

const AGAIN = ['test', 'unknown', 'quarantined'] as const;

const NOTE = { path: 'data.runStartedAt', expected: 'a time', found: 'null' };

/** A message that was read into a state; answers its id. */
async function readAs(bench: StoreBench, state: Exclude<MessageState, 'stored' | 'erased'>): Promise<string> {
  const { id } = await bench.append();
  await bench.record(await bench.takeMessages(), { state, reason: 'a reason' });
  return id;
}

export const rereadCases: readonly ContractCase[] = [
  {
    title: 'reread: makes messages stored again, to be read once more from the start, and answers how many',
    run: async (bench) => {
      const id = await readAs(bench, 'quarantined');
      equal(await bench.store.reread({ states: AGAIN, quiet: false }, bench.decision(), at(50)), 1);
      const stored = await bench.store.message(id);
      same([stored?.state, stored?.reason], ['stored', undefined]);
      const taken = await bench.takeMessages({ at: 50 });
      const claimed = onlyOne(taken);
      same([claimed.id, claimed.state, claimed.reads, claimed.quiet], [id, 'stored', 1, false]);
      await bench.record(taken, { decide: () => ({ events: [bench.event()] }) });
      equal((await bench.store.message(id))?.state, 'read');
      equal((await bench.takeDeliveries()).items.length, 1);
    },
  },
  {
    title: 'reread: forgets the notes of the reading before, and keeps those of the next one',
    run: async (bench) => {
      const { id } = await bench.append();
      const notesOf = async () => (await bench.store.message(id))?.notes;
      const unknown = { state: 'unknown', reason: 'a reason' } as const;
      await bench.record(await bench.takeMessages(), { ...unknown, notes: [NOTE, NOTE] });
      same(await notesOf(), [NOTE, NOTE]);
      await bench.store.reread({ states: AGAIN, quiet: false }, bench.decision(), at(0));
      equal(await notesOf(), undefined);
      await bench.record(await bench.takeMessages(), { ...unknown, notes: [NOTE] });
      same(await notesOf(), [NOTE]);
      await bench.store.reread({ states: AGAIN, quiet: false }, bench.decision(), at(0));
      await bench.record(await bench.takeMessages());
      equal(await notesOf(), undefined);
    },
  },
  {
    title: 'reread: says if it is to be quiet, until the next time',
    run: async (bench) => {
      await readAs(bench, 'unknown');
      await bench.store.reread({ states: AGAIN, quiet: true }, bench.decision(), at(0));
      const taken = await bench.takeMessages();
      equal(onlyOne(taken).quiet, true);
      await bench.record(taken, { state: 'unknown' });
      await bench.store.reread({ states: AGAIN, quiet: false }, bench.decision(), at(0));
      equal(onlyOne(await bench.takeMessages()).quiet, false);
    },
  },
  {
    title: 'reread: only messages in the states named',
    run: async (bench) => {
      const quarantined = await readAs(bench, 'quarantined');
      const unknown = await readAs(bench, 'unknown');
      await readAs(bench, 'read');
      equal(await bench.store.reread({ states: [], quiet: false }, bench.decision(), at(0)), 0);
      equal(await bench.store.reread({ states: ['test'], quiet: false }, bench.decision(), at(0)), 0);
      equal(await bench.store.reread({ states: ['quarantined'], quiet: false }, bench.decision(), at(0)), 1);
      equal(onlyOne(await bench.takeMessages()).id, quarantined);
      equal(await bench.store.reread({ states: AGAIN, quiet: false }, bench.decision(), at(0)), 1);
      equal(onlyOne(await bench.takeMessages()).id, unknown);
    },
  },
  {
    title: 'reread: only messages named, if any are, and never one that was read or is being read',
    run: async (bench) => {
      const one = await readAs(bench, 'quarantined');
      const two = await readAs(bench, 'quarantined');
      const read = await readAs(bench, 'read');
      const messageIds = [two, read, 'msg_nowhere'];
      equal(await bench.store.reread({ messageIds: [], states: AGAIN, quiet: false }, bench.decision(), at(0)), 0);
      equal(await bench.store.reread({ messageIds, states: AGAIN, quiet: false }, bench.decision(), at(0)), 1);
      const held = await bench.takeMessages();
      equal(onlyOne(held).id, two);
      equal(await bench.store.reread({ messageIds, states: AGAIN, quiet: true }, bench.decision(), at(0)), 0);
      equal((await bench.record(held))[0]?.recorded, true);
      equal((await bench.store.message(one))?.state, 'quarantined');
      equal((await bench.takeMessages({ at: MUCH_LATER })).items.length, 0);
    },
  },
];
