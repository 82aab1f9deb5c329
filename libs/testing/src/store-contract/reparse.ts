import { equal } from 'node:assert/strict';
import type { MessageState } from 'nestjs-runhooks/core';
import { at, MUCH_LATER, onlyOne, type StoreHarness } from './store-harness.js';
import type { ContractCase } from './contract-case.js';
import { same } from './same.js';

const AGAIN = ['test', 'unrecognized', 'quarantined'] as const;

const NOTE = { path: 'data.runStartedAt', expected: 'a time', found: 'null' };

/** A message that was read into a state; answers its id. */
async function readAs(harness: StoreHarness, state: Exclude<MessageState, 'stored' | 'erased'>): Promise<string> {
  const { id } = await harness.append();
  await harness.record(await harness.takeMessages(), { state, reason: 'a reason' });
  return id;
}

export const rereadCases: readonly ContractCase[] = [
  {
    title: 'reparse: makes messages stored again, to be read once more from the start, and answers how many',
    run: async (harness) => {
      const id = await readAs(harness, 'quarantined');
      equal(await harness.store.reparse({ states: AGAIN, withoutHandlers: false }, harness.decision(), at(50)), 1);
      const stored = await harness.store.message(id);
      same([stored?.state, stored?.reason], ['stored', undefined]);
      const taken = await harness.takeMessages({ at: 50 });
      const claimed = onlyOne(taken);
      same([claimed.id, claimed.state, claimed.claims, claimed.withoutHandlers], [id, 'stored', 1, false]);
      await harness.record(taken, { decide: () => ({ events: [harness.event()] }) });
      equal((await harness.store.message(id))?.state, 'parsed');
      equal((await harness.takeDeliveries()).items.length, 1);
    },
  },
  {
    title: 'reparse: forgets the notes of the reading before, and keeps those of the next one',
    run: async (harness) => {
      const { id } = await harness.append();
      const notesOf = async () => (await harness.store.message(id))?.notes;
      const unknown = { state: 'unrecognized', reason: 'a reason' } as const;
      await harness.record(await harness.takeMessages(), { ...unknown, notes: [NOTE, NOTE] });
      same(await notesOf(), [NOTE, NOTE]);
      await harness.store.reparse({ states: AGAIN, withoutHandlers: false }, harness.decision(), at(0));
      equal(await notesOf(), undefined);
      await harness.record(await harness.takeMessages(), { ...unknown, notes: [NOTE] });
      same(await notesOf(), [NOTE]);
      await harness.store.reparse({ states: AGAIN, withoutHandlers: false }, harness.decision(), at(0));
      await harness.record(await harness.takeMessages());
      equal(await notesOf(), undefined);
    },
  },
  {
    title: 'reparse: says if it is to be quiet, until the next time',
    run: async (harness) => {
      await readAs(harness, 'unrecognized');
      await harness.store.reparse({ states: AGAIN, withoutHandlers: true }, harness.decision(), at(0));
      const taken = await harness.takeMessages();
      equal(onlyOne(taken).withoutHandlers, true);
      await harness.record(taken, { state: 'unrecognized' });
      await harness.store.reparse({ states: AGAIN, withoutHandlers: false }, harness.decision(), at(0));
      equal(onlyOne(await harness.takeMessages()).withoutHandlers, false);
    },
  },
  {
    title: 'reparse: only messages in the states named',
    run: async (harness) => {
      const quarantined = await readAs(harness, 'quarantined');
      const unknown = await readAs(harness, 'unrecognized');
      await readAs(harness, 'parsed');
      equal(await harness.store.reparse({ states: [], withoutHandlers: false }, harness.decision(), at(0)), 0);
      equal(await harness.store.reparse({ states: ['test'], withoutHandlers: false }, harness.decision(), at(0)), 0);
      equal(
        await harness.store.reparse({ states: ['quarantined'], withoutHandlers: false }, harness.decision(), at(0)),
        1,
      );
      equal(onlyOne(await harness.takeMessages()).id, quarantined);
      equal(await harness.store.reparse({ states: AGAIN, withoutHandlers: false }, harness.decision(), at(0)), 1);
      equal(onlyOne(await harness.takeMessages()).id, unknown);
    },
  },
  {
    title: 'reparse: only messages named, if any are, and never one that was read or is being read',
    run: async (harness) => {
      const one = await readAs(harness, 'quarantined');
      const two = await readAs(harness, 'quarantined');
      const read = await readAs(harness, 'parsed');
      const messageIds = [two, read, 'msg_nowhere'];
      equal(
        await harness.store.reparse(
          { messageIds: [], states: AGAIN, withoutHandlers: false },
          harness.decision(),
          at(0),
        ),
        0,
      );
      equal(
        await harness.store.reparse({ messageIds, states: AGAIN, withoutHandlers: false }, harness.decision(), at(0)),
        1,
      );
      const held = await harness.takeMessages();
      equal(onlyOne(held).id, two);
      equal(
        await harness.store.reparse({ messageIds, states: AGAIN, withoutHandlers: true }, harness.decision(), at(0)),
        0,
      );
      equal((await harness.record(held))[0]?.recorded, true);
      equal((await harness.store.message(one))?.state, 'quarantined');
      equal((await harness.takeMessages({ at: MUCH_LATER })).items.length, 0);
    },
  },
];
