import { equal } from 'node:assert/strict';
import type { AddedDeliveries } from 'nestjs-runhooks/core';
import { at, onlyOne, type StoreHarness } from './store-harness.js';
import type { ContractCase } from './contract-case.js';
import { same } from './same.js';

/** New deliveries of an event that is stored. */
function again(harness: StoreHarness, eventId: string, handlerIds?: readonly string[]): AddedDeliveries {
  return { eventId, deliveries: harness.event({ ...(handlerIds && { handlerIds }) }).deliveries };
}

/** An event whose only delivery has succeeded. */
async function delivered(harness: StoreHarness): Promise<string> {
  const event = harness.event();
  await harness.readInto(event);
  await harness.settle(onlyOne(await harness.takeDeliveries()));
  return event.id;
}

export const replayCases: readonly ContractCase[] = [
  {
    title: 'replay: adds deliveries of a stored event, due at once, that name the replay',
    run: async (harness) => {
      const eventId = await delivered(harness);
      const replayed = again(harness, eventId);
      equal(await harness.store.replay('replay-1', [replayed], harness.decision(), at(0)), 1);
      const claimed = onlyOne(await harness.takeDeliveries());
      same(
        [claimed.id, claimed.replayId, claimed.attempt, claimed.event.id],
        [replayed.deliveries[0]?.id, 'replay-1', 1, eventId],
      );
    },
  },
  {
    title: 'replay: what came without a replay names none',
    run: async (harness) => {
      await harness.readInto(harness.event());
      const claimed = onlyOne(await harness.takeDeliveries());
      same([claimed.replayId, claimed.attemptsBefore], ['', 0]);
    },
  },
  {
    title: 'replay: the same replay again adds nothing, another one does',
    run: async (harness) => {
      const eventId = await delivered(harness);
      equal(await harness.store.replay('one', [again(harness, eventId)], harness.decision(), at(0)), 1);
      equal(await harness.store.replay('one', [again(harness, eventId)], harness.decision(), at(0)), 0);
      await harness.settle(onlyOne(await harness.takeDeliveries()));
      equal(await harness.store.replay('one', [again(harness, eventId)], harness.decision(), at(0)), 0);
      equal(await harness.store.replay('two', [again(harness, eventId)], harness.decision(), at(0)), 1);
    },
  },
  {
    title: 'replay: goes to handlers that did not exist when the event came',
    run: async (harness) => {
      const eventId = await delivered(harness);
      equal(
        await harness.store.replay('one', [again(harness, eventId, ['new', 'newer'])], harness.decision(), at(0)),
        2,
      );
      equal((await harness.takeDeliveries({ handlerIds: ['new', 'newer'] })).items.length, 2);
    },
  },
  {
    title: 'replay: nothing to replay adds nothing',
    run: async (harness) => {
      equal(await harness.store.replay('one', [], harness.decision(), at(0)), 0);
      equal(
        await harness.store.replay('one', [again(harness, await delivered(harness), [])], harness.decision(), at(0)),
        0,
      );
    },
  },
  {
    title: 'replay: an event that is not there, for example purged meanwhile, gets no deliveries and stops no others',
    run: async (harness) => {
      const eventId = await delivered(harness);
      const added = await harness.store.replay(
        'one',
        [again(harness, 'nowhere'), again(harness, eventId)],
        harness.decision(),
        at(0),
      );
      equal(added, 1);
      equal(onlyOne(await harness.takeDeliveries()).event.id, eventId);
    },
  },
];
