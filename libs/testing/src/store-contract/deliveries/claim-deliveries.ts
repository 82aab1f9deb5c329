import { equal } from 'node:assert/strict';
import { at, HANDLER, LEASE_MS, onlyOne, SOURCE } from '../store-harness.js';
import type { ContractCase } from '../contract-case.js';
import { same } from '../same.js';

export const claimDeliveriesCases: readonly ContractCase[] = [
  {
    title: 'claimDeliveries: returns the event and its message with a delivery',
    run: async (harness) => {
      const headers = { 'webhook-id': 'msg_1' };
      const message = harness.message({ body: Buffer.from([0, 255]), headers });
      await harness.store.append(message);
      const event = harness.event({ data: '{"fact":1}' });
      await harness.record(await harness.takeMessages(), { decide: () => ({ events: [event] }) });
      const taken = await harness.takeDeliveries();
      const claimed = onlyOne(taken);
      equal(claimed.id, event.deliveries[0]?.id);
      equal(claimed.handlerId, HANDLER);
      equal(claimed.lease, taken.lease);
      const { id, type, data } = event;
      same(claimed.event, { id, type, data, provider: 'provider', source: SOURCE, messageId: message.id });
      equal(claimed.message?.id, message.id);
      equal(claimed.message?.state, 'parsed');
      equal(claimed.message?.messageKey, message.messageKey);
      equal(Buffer.compare(claimed.message?.body ?? Buffer.alloc(0), message.body), 0);
      same(claimed.message?.headers, headers);
    },
  },
  {
    title: 'claimDeliveries: takes only deliveries of the given handlers',
    run: async (harness) => {
      await harness.recordEvent(harness.event({ handlerIds: ['a', 'b', 'c'] }));
      equal((await harness.takeDeliveries({ handlerIds: [] })).items.length, 0);
      equal((await harness.takeDeliveries({ handlerIds: ['elsewhere'] })).items.length, 0);
      const { items } = await harness.takeDeliveries({ handlerIds: ['a', 'c', 'elsewhere'] });
      same(items.map(({ handlerId }) => handlerId).sort(), ['a', 'c']);
      equal(onlyOne(await harness.takeDeliveries({ handlerIds: ['b'] })).handlerId, 'b');
    },
  },
  {
    title: 'claimDeliveries: takes the longest due deliveries first, up to the limit',
    run: async (harness) => {
      const retried = harness.event();
      await harness.recordEvent(retried, at(0));
      await harness.settle(onlyOne(await harness.takeDeliveries()), { state: 'pending', dueAt: at(20) });
      const [early, middle] = [harness.event(), harness.event()];
      await harness.recordEvent(middle, at(10));
      await harness.recordEvent(early, at(0));
      const { items } = await harness.takeDeliveries({ at: 100, limit: 2 });
      same(items.map(({ event }) => event.id).sort(), [early.id, middle.id].sort());
      equal(onlyOne(await harness.takeDeliveries({ at: 100, limit: 2 })).event.id, retried.id);
    },
  },
  {
    title: 'claimDeliveries: does not count deliveries of other handlers toward the limit',
    run: async (harness) => {
      await harness.recordEvent(harness.event({ handlerIds: ['a', 'b', 'c'] }), at(0));
      await harness.recordEvent(harness.event(), at(1));
      equal(onlyOne(await harness.takeDeliveries({ at: 1, limit: 1 })).handlerId, HANDLER);
    },
  },
  {
    title: 'claimDeliveries: holds a delivery until its lease expires, then counts the next attempt',
    run: async (harness) => {
      await harness.recordEvent(harness.event());
      const first = onlyOne(await harness.takeDeliveries());
      equal(first.attempt, 1);
      equal((await harness.takeDeliveries({ at: LEASE_MS - 1 })).items.length, 0);
      const second = onlyOne(await harness.takeDeliveries({ at: LEASE_MS + 1 }));
      equal(second.id, first.id);
      equal(second.attempt, 2);
    },
  },
  {
    title: 'claimDeliveries: never takes a delivery twice in concurrent claims',
    run: async (harness) => {
      const handlerIds = Array.from({ length: 100 }, (_, index) => `handler-${index}`);
      await harness.recordEvent(harness.event({ handlerIds }));
      const claims = Array.from({ length: 20 }, () => harness.takeDeliveries({ limit: 10, handlerIds }));
      const ids = (await Promise.all(claims)).flatMap(({ items }) => items.map(({ id }) => id));
      equal(ids.length, 100);
      equal(new Set(ids).size, 100);
    },
  },
];
