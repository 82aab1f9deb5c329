import { equal } from 'node:assert/strict';
import type { Page } from 'nestjs-runhooks/core';
import { at, HANDLER, LEASE_MS, onlyOne, SOURCE } from '../store-harness.js';
import type { ContractCase } from '../contract-case.js';
import { same } from '../same.js';

async function idsOf(page: Promise<Page<{ readonly id: string }>>): Promise<string[]> {
  return (await page).items.map(({ id }) => id).sort();
}

export const lookUpCases: readonly ContractCase[] = [
  {
    title: 'message: returns all fields of a message, and undefined for an unknown id',
    run: async (harness) => {
      const body = Buffer.from([0, 255, 10]);
      const message = harness.message({ body, headers: { 'webhook-id': 'msg_1' }, receivedAt: at(3) });
      await harness.store.append(message);
      const { id, source, provider, messageKey } = message;
      const stored = {
        id,
        source,
        provider,
        messageKey,
        receivedAt: at(3),
        idReused: false,
        origin: 'webhook',
        history: false,
      };
      same((await harness.store.messages({}, {})).items, [{ ...stored, state: 'stored' }]);
      const taken = await harness.takeMessages({ at: 3 });
      await harness.record(taken, { state: 'unrecognized', reason: 'a reason', messageType: 'job.run.new' });
      const read = { ...stored, state: 'unrecognized', reason: 'a reason', messageType: 'job.run.new' };
      same((await harness.store.messages({}, {})).items, [read]);
      const { body: bytes, ...detail } = (await harness.store.message(id)) ?? { body: Buffer.of() };
      same(detail, { ...read, headers: { 'webhook-id': 'msg_1' } });
      equal(Buffer.compare(bytes, body), 0);
      equal(await harness.store.message('msg_nowhere'), undefined);
    },
  },
  {
    title: 'messages: lists messages by source and by state',
    run: async (harness) => {
      const { id: read } = await harness.append();
      await harness.record(await harness.takeMessages());
      const { id: stored } = await harness.append();
      const { id: other } = await harness.append({ source: 'other' });
      same(await idsOf(harness.store.messages({ source: SOURCE }, {})), [read, stored].sort());
      same(await idsOf(harness.store.messages({ state: 'stored' }, {})), [stored, other].sort());
      same(await idsOf(harness.store.messages({ source: SOURCE, state: 'stored' }, {})), [stored]);
      same(await idsOf(harness.store.messages({ source: 'elsewhere' }, {})), []);
    },
  },
  {
    title: 'events: lists events by id, message, source, type and the time they were recorded',
    run: async (harness) => {
      const [one, two] = [
        harness.event({ data: '{"one":1}', occurredAt: at(-5) }),
        harness.event({ type: 'run.failed' }),
      ];
      await harness.recordEvent(one, at(10));
      await harness.recordEvent(two, at(20));
      const { store } = harness;
      const [event] = (await store.events({ ids: [one.id] }, {})).items;
      const { id, type, data, occurredAt } = one;
      const messageId = event?.messageId ?? '';
      const known = { provider: 'provider', source: SOURCE, messageId, recordedAt: at(10) };
      same(event, { id, type, data, occurredAt, ...known });
      equal((await store.message(messageId))?.id, messageId);
      same(await idsOf(store.events({ ids: [] }, {})), []);
      same(await idsOf(store.events({ ids: [one.id, two.id, 'nowhere'] }, {})), [one.id, two.id].sort());
      same(await idsOf(store.events({ messageId }, {})), [one.id]);
      same(await idsOf(store.events({ source: SOURCE }, {})), [one.id, two.id].sort());
      same(await idsOf(store.events({ source: 'elsewhere' }, {})), []);
      same(await idsOf(store.events({ type: 'run.failed' }, {})), [two.id]);
      same(await idsOf(store.events({ recordedFrom: at(20) }, {})), [two.id]);
      same(await idsOf(store.events({ recordedBefore: at(20) }, {})), [one.id]);
    },
  },
  {
    title: 'deliveries: lists deliveries by id, event, handler and state',
    run: async (harness) => {
      const event = harness.event({ handlerIds: ['waiting', 'done', 'dead', 'held'] });
      await harness.recordEvent(event);
      const other = harness.event();
      await harness.recordEvent(other, at(7));
      await harness.settle(onlyOne(await harness.takeDeliveries({ handlerIds: ['done'] })));
      await harness.settle(onlyOne(await harness.takeDeliveries({ handlerIds: ['dead'] })), { state: 'dead' });
      await harness.takeDeliveries({ handlerIds: ['held'] });
      const { store } = harness;
      const { items } = await store.deliveries({ eventId: event.id }, {});
      same(
        Object.fromEntries(
          items.map(({ handlerId, state, attempts, dueAt, replayId }) => [
            handlerId,
            { state, attempts, dueAt, replayId },
          ]),
        ),
        {
          dead: { state: 'dead', attempts: 1, dueAt: undefined, replayId: '' },
          done: { state: 'succeeded', attempts: 1, dueAt: undefined, replayId: '' },
          held: { state: 'pending', attempts: 1, dueAt: at(LEASE_MS), replayId: '' },
          waiting: { state: 'pending', attempts: 0, dueAt: at(0), replayId: '' },
        },
      );
      const [{ id } = { id: '' }] = other.deliveries;
      same(await idsOf(store.deliveries({ handlerId: HANDLER }, {})), [id]);
      same(await idsOf(store.deliveries({ ids: [id, 'dlv_nowhere'] }, {})), [id]);
      same(await idsOf(store.deliveries({ ids: [] }, {})), []);
      for (const state of ['dead', 'succeeded'] as const) {
        equal((await store.deliveries({ state }, {})).items.length, 1);
      }
      equal((await store.deliveries({ state: 'pending' }, {})).items.length, 3);
      same((await store.deliveries({ eventId: event.id, handlerId: HANDLER }, {})).items, []);
    },
  },
  {
    title: 'attempts: lists the attempts of a delivery, first to last, with their errors',
    run: async (harness) => {
      await harness.recordEvent(harness.event());
      const first = onlyOne(await harness.takeDeliveries());
      await harness.settle(first, { state: 'pending', dueAt: at(0) });
      await harness.settle(onlyOne(await harness.takeDeliveries()));
      const times = { deliveryId: first.id, startedAt: at(0), finishedAt: at(5), durationMs: 5 };
      const error = { name: 'Error', message: 'did not work', stack: 'Error: did not work' };
      same(await harness.store.attempts(first.id), [
        { ...times, attempt: 1, outcome: 'failed', error },
        { ...times, attempt: 2, outcome: 'succeeded' },
      ]);
      same(await harness.store.attempts('dlv_nowhere'), []);
    },
  },
  {
    title: 'attempts: lists a first attempt that succeeded',
    run: async (harness) => {
      await harness.recordEvent(harness.event());
      const only = onlyOne(await harness.takeDeliveries());
      await harness.settle(only);
      const times = { startedAt: at(0), finishedAt: at(5), durationMs: 5 };
      const attempt = { deliveryId: only.id, attempt: 1, outcome: 'succeeded', ...times };
      same(await harness.store.attempts(only.id), [attempt]);
    },
  },
];
