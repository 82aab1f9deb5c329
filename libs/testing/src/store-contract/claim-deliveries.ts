import { equal } from 'node:assert/strict';
import { at, HANDLER, LEASE_MS, onlyOne, SOURCE } from './store-harness.js';
import type { ContractCase } from './contract-case.js';
import { same } from './same.js';

export const claimDeliveriesCases: readonly ContractCase[] = [
  {
    title: 'claimDeliveries: brings the event and its message along',
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
      equal(claimed.message.id, message.id);
      equal(claimed.message.state, 'parsed');
      equal(claimed.message.messageKey, message.messageKey);
      equal(Buffer.compare(claimed.message.body, message.body), 0);
      same(claimed.message.headers, headers);
    },
  },
  {
    title: 'claimDeliveries: takes only deliveries of the handlers named',
    run: async (harness) => {
      await harness.readInto(harness.event({ handlerIds: ['a', 'b', 'c'] }));
      equal((await harness.takeDeliveries({ handlerIds: [] })).items.length, 0);
      equal((await harness.takeDeliveries({ handlerIds: ['elsewhere'] })).items.length, 0);
      const { items } = await harness.takeDeliveries({ handlerIds: ['a', 'c', 'elsewhere'] });
      same(items.map(({ handlerId }) => handlerId).sort(), ['a', 'c']);
      equal(onlyOne(await harness.takeDeliveries({ handlerIds: ['b'] })).handlerId, 'b');
    },
  },
  {
    title: 'claimDeliveries: takes the longest due first, and no more than the limit',
    run: async (harness) => {
      const retried = harness.event();
      await harness.readInto(retried, at(0));
      await harness.settle(onlyOne(await harness.takeDeliveries()), { state: 'pending', dueAt: at(20) });
      const [early, middle] = [harness.event(), harness.event()];
      await harness.readInto(middle, at(10));
      await harness.readInto(early, at(0));
      const { items } = await harness.takeDeliveries({ at: 100, limit: 2 });
      same(items.map(({ event }) => event.id).sort(), [early.id, middle.id].sort());
      equal(onlyOne(await harness.takeDeliveries({ at: 100, limit: 2 })).event.id, retried.id);
    },
  },
  {
    title: 'claimDeliveries: deliveries of other handlers do not use up the limit',
    run: async (harness) => {
      await harness.readInto(harness.event({ handlerIds: ['a', 'b', 'c'] }), at(0));
      await harness.readInto(harness.event(), at(1));
      equal(onlyOne(await harness.takeDeliveries({ at: 1, limit: 1 })).handlerId, HANDLER);
    },
  },
  {
    title: 'claimDeliveries: a claim holds until its lease is over; then the next attempt is counted',
    run: async (harness) => {
      await harness.readInto(harness.event());
      const first = onlyOne(await harness.takeDeliveries());
      equal(first.attempt, 1);
      equal((await harness.takeDeliveries({ at: LEASE_MS - 1 })).items.length, 0);
      const second = onlyOne(await harness.takeDeliveries({ at: LEASE_MS + 1 }));
      equal(second.id, first.id);
      equal(second.attempt, 2);
    },
  },
  {
    title: 'claimDeliveries: claims at once never take the same delivery',
    run: async (harness) => {
      const handlerIds = Array.from({ length: 100 }, (_, index) => `handler-${index}`);
      await harness.readInto(harness.event({ handlerIds }));
      const claims = Array.from({ length: 20 }, () => harness.takeDeliveries({ limit: 10, handlerIds }));
      const ids = (await Promise.all(claims)).flatMap(({ items }) => items.map(({ id }) => id));
      equal(ids.length, 100);
      equal(new Set(ids).size, 100);
    },
  },
];
