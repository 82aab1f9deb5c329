import { equal } from 'node:assert/strict';
import type { AddedDeliveries } from 'nestjs-runhooks/core';
import { at, onlyOne, type StoreBench } from './bench.js';
import type { ContractCase } from './contract-case.js';
import { same } from './same.js';

/** New deliveries of an event that is stored. */
function again(bench: StoreBench, eventId: string, handlerIds?: readonly string[]): AddedDeliveries {
  return { eventId, deliveries: bench.event({ ...(handlerIds && { handlerIds }) }).deliveries };
}

/** An event whose only delivery has succeeded. */
async function delivered(bench: StoreBench): Promise<string> {
  const event = bench.event();
  await bench.readInto(event);
  await bench.settle(onlyOne(await bench.takeDeliveries()));
  return event.id;
}

export const replayCases: readonly ContractCase[] = [
  {
    title: 'replay: adds deliveries of a stored event, due at once, that name the replay',
    run: async (bench) => {
      const eventId = await delivered(bench);
      const replayed = again(bench, eventId);
      equal(await bench.store.replay('replay-1', [replayed], bench.decision(), at(0)), 1);
      const claimed = onlyOne(await bench.takeDeliveries());
      same(
        [claimed.id, claimed.replayId, claimed.attempt, claimed.event.id],
        [replayed.deliveries[0]?.id, 'replay-1', 1, eventId],
      );
    },
  },
  {
    title: 'replay: what came without a replay names none',
    run: async (bench) => {
      await bench.readInto(bench.event());
      const claimed = onlyOne(await bench.takeDeliveries());
      same([claimed.replayId, claimed.attemptsBefore], ['', 0]);
    },
  },
  {
    title: 'replay: the same replay again adds nothing, another one does',
    run: async (bench) => {
      const eventId = await delivered(bench);
      equal(await bench.store.replay('one', [again(bench, eventId)], bench.decision(), at(0)), 1);
      equal(await bench.store.replay('one', [again(bench, eventId)], bench.decision(), at(0)), 0);
      await bench.settle(onlyOne(await bench.takeDeliveries()));
      equal(await bench.store.replay('one', [again(bench, eventId)], bench.decision(), at(0)), 0);
      equal(await bench.store.replay('two', [again(bench, eventId)], bench.decision(), at(0)), 1);
    },
  },
  {
    title: 'replay: goes to handlers that did not exist when the event came',
    run: async (bench) => {
      const eventId = await delivered(bench);
      equal(await bench.store.replay('one', [again(bench, eventId, ['new', 'newer'])], bench.decision(), at(0)), 2);
      equal((await bench.takeDeliveries({ handlerIds: ['new', 'newer'] })).items.length, 2);
    },
  },
  {
    title: 'replay: nothing to replay adds nothing',
    run: async (bench) => {
      equal(await bench.store.replay('one', [], bench.decision(), at(0)), 0);
      equal(await bench.store.replay('one', [again(bench, await delivered(bench), [])], bench.decision(), at(0)), 0);
    },
  },
  {
    title: 'replay: an event that is not there, for example purged meanwhile, gets no deliveries and stops no others',
    run: async (bench) => {
      const eventId = await delivered(bench);
      const added = await bench.store.replay(
        'one',
        [again(bench, 'nowhere'), again(bench, eventId)],
        bench.decision(),
        at(0),
      );
      equal(added, 1);
      equal(onlyOne(await bench.takeDeliveries()).event.id, eventId);
    },
  },
];
