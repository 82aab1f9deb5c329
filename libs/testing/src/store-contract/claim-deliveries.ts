import { equal } from 'node:assert/strict';
import { at, HANDLER, LEASE_MS, onlyOne, SOURCE } from './bench.js';
import type { ContractCase } from './contract-case.js';
import { same } from './same.js';

export const claimDeliveriesCases: readonly ContractCase[] = [
  {
    title: 'claimDeliveries: brings the event and its message along',
    run: async (bench) => {
      const headers = { 'webhook-id': 'msg_1' };
      const message = bench.message({ body: Buffer.from([0, 255]), headers });
      await bench.store.append(message);
      const event = bench.event({ data: '{"fact":1}' });
      await bench.record(await bench.takeMessages(), { decide: () => ({ events: [event] }) });
      const taken = await bench.takeDeliveries();
      const claimed = onlyOne(taken);
      equal(claimed.id, event.deliveries[0]?.id);
      equal(claimed.handlerId, HANDLER);
      equal(claimed.lease, taken.lease);
      const { id, type, data } = event;
      same(claimed.event, { id, type, data, provider: 'provider', source: SOURCE, messageId: message.id });
      equal(claimed.message.id, message.id);
      equal(claimed.message.state, 'read');
      equal(claimed.message.messageKey, message.messageKey);
      equal(Buffer.compare(claimed.message.body, message.body), 0);
      same(claimed.message.headers, headers);
    },
  },
  {
    title: 'claimDeliveries: takes only deliveries of the handlers named',
    run: async (bench) => {
      await bench.readInto(bench.event({ handlerIds: ['a', 'b', 'c'] }));
      equal((await bench.takeDeliveries({ handlerIds: [] })).items.length, 0);
      equal((await bench.takeDeliveries({ handlerIds: ['elsewhere'] })).items.length, 0);
      const { items } = await bench.takeDeliveries({ handlerIds: ['a', 'c', 'elsewhere'] });
      same(items.map(({ handlerId }) => handlerId).sort(), ['a', 'c']);
      equal(onlyOne(await bench.takeDeliveries({ handlerIds: ['b'] })).handlerId, 'b');
    },
  },
  {
    title: 'claimDeliveries: takes the longest due first, and no more than the limit',
    run: async (bench) => {
      const retried = bench.event();
      await bench.readInto(retried, at(0));
      await bench.settle(onlyOne(await bench.takeDeliveries()), { state: 'pending', dueAt: at(20) });
      const [early, middle] = [bench.event(), bench.event()];
      await bench.readInto(middle, at(10));
      await bench.readInto(early, at(0));
      const { items } = await bench.takeDeliveries({ at: 100, limit: 2 });
      same(items.map(({ event }) => event.id).sort(), [early.id, middle.id].sort());
      equal(onlyOne(await bench.takeDeliveries({ at: 100, limit: 2 })).event.id, retried.id);
    },
  },
  {
    title: 'claimDeliveries: deliveries of other handlers do not use up the limit',
    run: async (bench) => {
      await bench.readInto(bench.event({ handlerIds: ['a', 'b', 'c'] }), at(0));
      await bench.readInto(bench.event(), at(1));
      equal(onlyOne(await bench.takeDeliveries({ at: 1, limit: 1 })).handlerId, HANDLER);
    },
  },
  {
    title: 'claimDeliveries: a claim holds until its lease is over; then the next attempt is counted',
    run: async (bench) => {
      await bench.readInto(bench.event());
      const first = onlyOne(await bench.takeDeliveries());
      equal(first.attempt, 1);
      equal((await bench.takeDeliveries({ at: LEASE_MS - 1 })).items.length, 0);
      const second = onlyOne(await bench.takeDeliveries({ at: LEASE_MS + 1 }));
      equal(second.id, first.id);
      equal(second.attempt, 2);
    },
  },
  {
    title: 'claimDeliveries: claims at once never take the same delivery',
    run: async (bench) => {
      const handlerIds = Array.from({ length: 100 }, (_, index) => `handler-${index}`);
      await bench.readInto(bench.event({ handlerIds }));
      const claims = Array.from({ length: 20 }, () => bench.takeDeliveries({ limit: 10, handlerIds }));
      const ids = (await Promise.all(claims)).flatMap(({ items }) => items.map(({ id }) => id));
      equal(ids.length, 100);
      equal(new Set(ids).size, 100);
    },
  },
];
