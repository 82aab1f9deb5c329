import { equal } from 'node:assert/strict';
import { at, onlyOne } from '../store-harness.js';
import type { ContractCase } from '../contract-case.js';
import { same } from '../same.js';

export const recordEventsCases: readonly ContractCase[] = [
  {
    title: 'record: returns the events that are new, as they were decided',
    run: async (harness) => {
      const one = harness.event({ handlerIds: ['a', 'b'] });
      const two = harness.event({ handlerIds: [] });
      await harness.append();
      const [recorded] = await harness.record(await harness.takeMessages(), { decide: () => ({ events: [one, two] }) });
      same(recorded?.events, [one, two]);
    },
  },
  {
    title: 'record: changes no existing event and adds no deliveries to it',
    run: async (harness) => {
      const event = harness.event({ data: '{"first":true}' });
      await harness.recordEvent(event);
      const again = await harness.recordEvent({ ...harness.event({ data: '{"first":false}' }), id: event.id });
      same([again?.recorded, again?.events], [true, []]);
      equal(onlyOne(await harness.takeDeliveries()).event.data, '{"first":true}');
      equal((await harness.store.counts()).events, 1);
    },
  },
  {
    title: 'record: creates an event once if concurrent messages report it',
    run: async (harness) => {
      const { id } = harness.event();
      for (let count = 0; count < 20; count += 1) await harness.append();
      const { lease, items } = await harness.takeMessages();
      const decide = () => ({ events: [{ ...harness.event(), id }] });
      const recorded = await Promise.all(items.map((item) => harness.record({ lease, items: [item] }, { decide })));
      equal(recorded.flat().filter(({ events }) => events.length === 1).length, 1);
      equal((await harness.takeDeliveries()).items.length, 1);
    },
  },
  {
    title: 'record: adds one delivery per event and handler, however often the handler is listed',
    run: async (harness) => {
      await harness.recordEvent(harness.event({ handlerIds: ['a', 'b', 'a'] }));
      const { items } = await harness.takeDeliveries({ handlerIds: ['a', 'b'] });
      same(items.map(({ handlerId }) => handlerId).sort(), ['a', 'b']);
      equal((await harness.store.counts()).deliveries.pending, 2);
    },
  },
  {
    title: 'record: adds deliveries that are due immediately',
    run: async (harness) => {
      await harness.recordEvent(harness.event(), at(500));
      equal((await harness.takeDeliveries({ at: 500 })).items.length, 1);
    },
  },
];
