import { equal, ok } from 'node:assert/strict';
import type { NewMessage } from 'nestjs-runhooks/core';
import { at, LEASE_MS, MUCH_LATER, onlyOne, OWN, recordingOf, SOURCE } from '../store-harness.js';
import type { ContractCase } from '../contract-case.js';
import { same } from '../same.js';

/** Cases for a store with `release`. */
export const appendClaimedCases: readonly ContractCase[] = [
  {
    title: 'append: lets no other process claim a message with a claim before its lease expires',
    run: async (harness) => {
      const { id } = await harness.append({ claim: OWN });
      equal((await harness.takeMessages({ at: LEASE_MS - 1 })).items.length, 0);
      const taken = onlyOne(await harness.takeMessages({ at: LEASE_MS }));
      same([taken.id, taken.claims, taken.state], [id, 1, 'stored']);
      const late = recordingOf(id, OWN.lease, { decide: () => ({ events: [harness.event()] }) });
      same(
        (await harness.store.record([late], at(LEASE_MS))).map(({ recorded }) => recorded),
        [false],
      );
      equal((await harness.store.counts()).events, 0);
    },
  },
  {
    title: 'append: lets the process that claims a message record it',
    run: async (harness) => {
      const { id } = await harness.append({ claim: OWN });
      const event = harness.event();
      const recording = recordingOf(id, OWN.lease, { decide: () => ({ events: [event] }) });
      const [recorded] = await harness.store.record([recording], at(0));
      same([recorded?.recorded, recorded?.events], [true, [event]]);
      equal((await harness.takeMessages({ at: MUCH_LATER })).items.length, 0);
    },
  },
  {
    title: 'append: claims only the messages that have a claim',
    run: async (harness) => {
      const claims = [OWN, undefined, { lease: 'another', until: at(2 * LEASE_MS) }, undefined];
      const appended = await Promise.all(claims.map((claim) => harness.append(claim ? { claim } : {})));
      const idsAt = async (ms: number) =>
        (await harness.takeMessages({ at: ms, leaseMs: MUCH_LATER })).items.map(({ id }) => id);
      const [own, first, another, second] = appended.map(({ id }) => id);
      const due = await idsAt(0);
      equal(due.length, 2);
      for (const id of [first, second])
        equal(
          due.some((one) => one === id),
          true,
        );
      same(await idsAt(LEASE_MS), [own]);
      same(await idsAt(2 * LEASE_MS), [another]);
    },
  },
  {
    title: 'append: does not claim a message that is stored already',
    run: async (harness) => {
      const fields = { messageKey: 'same', body: Buffer.from('{}') };
      const first = await harness.append(fields);
      const again = await harness.append({ ...fields, claim: OWN });
      same(again, { status: 'duplicate', id: first.id });
      equal(onlyOne(await harness.takeMessages()).id, first.id);
    },
  },
  {
    title: 'append: claims one of several concurrent copies of a message, with the claim of the accepted copy',
    run: async (harness) => {
      const fields = { messageKey: 'same', body: Buffer.from('{}') };
      const copies: NewMessage[] = Array.from({ length: 10 }, (_, index) =>
        harness.message({ ...fields, claim: { ...OWN, lease: `lease ${index}` } }),
      );
      const appended = await Promise.all(copies.map((copy) => harness.store.append(copy)));
      const accepted = copies.filter((_, index) => appended[index]?.status === 'accepted');
      equal(accepted.length, 1);
      const { id = '', claim } = accepted[0] ?? {};
      equal((await harness.takeMessages()).items.length, 0);
      const [recorded] = await harness.store.record([recordingOf(id, claim?.lease ?? '')], at(0));
      equal(recorded?.recorded, true);
    },
  },
  {
    title: 'append: quarantines content that the engine rejects without claiming it',
    run: async (harness) => {
      const { id } = await harness.append({ messageKey: 'a NUL \0', claim: OWN });
      const message = await harness.store.message(id);
      // An engine may as well keep any key. Then the message is stored and claimed like every other one.
      ok(message?.state === 'stored' || message?.state === 'quarantined');
      const claimable = message.state === 'stored' ? 1 : 0;
      equal((await harness.takeMessages({ at: MUCH_LATER })).items.length, claimable);
      const dueAt = await harness.store.nextDueAt({ sources: [SOURCE], handlerIds: [], taskHandlerIds: [] });
      equal(dueAt === undefined, claimable === 0);
    },
  },
];
