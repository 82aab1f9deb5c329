import { equal } from 'node:assert/strict';
import { at, onlyOne } from './bench.js';
import type { ContractCase } from './contract-case.js';
import { same } from './same.js';

export const recordEventsCases: readonly ContractCase[] = [
  {
    title: 'record: answers the events that are new and how many deliveries they have',
    run: async (bench) => {
      const one = bench.event({ handlerIds: ['a', 'b'] });
      const two = bench.event({ handlerIds: [] });
      await bench.append();
      const [recorded] = await bench.record(await bench.takeMessages(), { decide: () => ({ events: [one, two] }) });
      same([...(recorded?.eventIds ?? [])].sort(), [one.id, two.id].sort());
      equal(recorded?.deliveries, 2);
    },
  },
  {
    title: 'record: an event that is there already is left alone and gets no deliveries',
    run: async (bench) => {
      const event = bench.event({ data: '{"first":true}' });
      await bench.readInto(event);
      const again = await bench.readInto({ ...bench.event({ data: '{"first":false}' }), id: event.id });
      same([again?.recorded, again?.eventIds, again?.deliveries], [true, [], 0]);
      equal(onlyOne(await bench.takeDeliveries()).event.data, '{"first":true}');
      equal((await bench.store.counts()).events, 1);
    },
  },
  {
    title: 'record: of messages recorded at once that tell the same event, exactly one makes it',
    run: async (bench) => {
      const { id } = bench.event();
      for (let count = 0; count < 20; count += 1) await bench.append();
      const { lease, items } = await bench.takeMessages();
      const decide = () => ({ events: [{ ...bench.event(), id }] });
      const recorded = await Promise.all(items.map((item) => bench.record({ lease, items: [item] }, { decide })));
      equal(recorded.flat().filter(({ eventIds }) => eventIds.length === 1).length, 1);
      equal((await bench.takeDeliveries()).items.length, 1);
    },
  },
  {
    title: 'record: a handler gets one delivery of an event, however often it is named',
    run: async (bench) => {
      await bench.readInto(bench.event({ handlerIds: ['a', 'b', 'a'] }));
      const { items } = await bench.takeDeliveries({ handlerIds: ['a', 'b'] });
      same(items.map(({ handlerId }) => handlerId).sort(), ['a', 'b']);
      equal((await bench.store.counts()).deliveries.pending, 2);
    },
  },
  {
    title: 'record: deliveries are due at once',
    run: async (bench) => {
      await bench.readInto(bench.event(), at(500));
      equal((await bench.takeDeliveries({ at: 500 })).items.length, 1);
    },
  },
];
