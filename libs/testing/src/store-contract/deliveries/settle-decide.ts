import { equal } from 'node:assert/strict';
import type { Known, NewTask, RunKey, RunState, Settlement } from 'nestjs-runhooks/core';
import { at, deathOf, LEASE_MS, MUCH_LATER, onlyOne, recordingOf, settlementOf, SOURCE } from '../store-harness.js';
import type { ContractCase } from '../contract-case.js';
import { same } from '../same.js';

const RUN: RunKey = { source: SOURCE, accountId: '1', runId: '42' };
const STATE: RunState = { jobKey: '1/7', contradicted: false, types: ['run.failed'] };
const TASK: NewTask = { id: 'task', kind: 'stuck-run', handlerId: 'watching', dueAt: at(50), data: '{}' };

const succeeded = (held: { id: string; lease: string }, fields: Partial<Settlement>): Settlement => ({
  ...settlementOf(held, { state: 'succeeded' }),
  ...fields,
});

export const settleDecideCases: readonly ContractCase[] = [
  {
    title: 'settle: writes what an attempt decides, for the message of its event, and returns what is new',
    run: async (harness) => {
      await harness.recordEvent(harness.event());
      const held = onlyOne(await harness.takeDeliveries());
      const event = harness.event({ type: 'run.results', handlerIds: ['on-results'] });
      const decide = () => ({ run: STATE, events: [event], tasks: [TASK] });
      const [recorded] = await harness.store.record([succeeded(held, { run: RUN, decide })], at(30));
      same(recorded, { recorded: true, events: [event], tasks: [TASK], idReused: false });
      const delivery = onlyOne(await harness.takeDeliveries({ at: 30, handlerIds: ['on-results'] }));
      const { messageId, source, provider } = held.event;
      same(delivery.event, { id: event.id, type: event.type, data: event.data, source, provider, messageId });
      equal((await harness.store.run(RUN))?.jobKey, STATE.jobKey);
      equal((await harness.store.counts()).checks, 1);
    },
  },
  {
    title: 'settle: asks an attempt only if its claim has not been lost',
    run: async (harness) => {
      await harness.recordEvent(harness.event());
      const slow = onlyOne(await harness.takeDeliveries());
      onlyOne(await harness.takeDeliveries({ at: LEASE_MS }));
      let asked = 0;
      const decide = () => {
        asked += 1;
        return { events: [harness.event()] };
      };
      same(await harness.settleAll([succeeded(slow, { decide })]), [false]);
      same([asked, (await harness.store.counts()).events], [0, 1]);
    },
  },
  {
    title: 'settle: asks messages and attempts of one batch in order, each with what those before it decided',
    run: async (harness) => {
      await harness.recordEvent(harness.event());
      const held = onlyOne(await harness.takeDeliveries());
      await harness.append();
      const { lease, items } = await harness.takeMessages();
      const heard: (string | undefined)[] = [];
      const decide = ({ run }: Known) => {
        heard.push(run?.jobKey);
        return { run: { ...STATE, jobKey: `${run?.jobKey ?? ''}+` }, events: [] };
      };
      const recorded = await harness.store.record(
        [
          succeeded(held, { run: RUN, locks: ['one'], decide }),
          ...items.map(({ id }) => recordingOf(id, lease, { run: RUN, locks: ['two', 'one'], decide })),
        ],
        at(0),
      );
      same(
        recorded.map((one) => one.recorded),
        [true, true],
      );
      // A store may call `decide` several times. Only the last call of each entry counts.
      same(heard.slice(-2), [undefined, '+']);
      equal((await harness.store.run(RUN))?.jobKey, '++');
    },
  },
  {
    title: 'settle: writes and asks only the first of two entries about one claim',
    run: async (harness) => {
      await harness.recordEvent(harness.event());
      const held = onlyOne(await harness.takeDeliveries());
      const events = [harness.event(), harness.event()];
      const batch = [
        succeeded(held, { decide: () => ({ events: events.slice(0, 1) }) }),
        { ...settlementOf(held, { state: 'dead' }), decide: () => ({ events: events.slice(1) }) },
      ];
      same(await harness.settleAll(batch), [true, false]);
      const { deliveries, events: count } = await harness.store.counts();
      same([deliveries.succeeded, deliveries.dead, count], [1, 0, 2]);
    },
  },
  {
    title: 'settle: writes an event once that two attempts decide, and keeps the first one',
    run: async (harness) => {
      for (let count = 0; count < 2; count += 1) await harness.recordEvent(harness.event());
      const { items } = await harness.takeDeliveries();
      const event = harness.event({ handlerIds: ['on-dead-letter'] });
      const batch = items.map((held, index) => deathOf(held, { ...event, data: `{"by":${index}}` }));
      const recorded = await harness.store.record(batch, at(0));
      same(
        recorded.map(({ events }) => events.length),
        [1, 0],
      );
      const delivery = onlyOne(await harness.takeDeliveries({ at: MUCH_LATER, handlerIds: ['on-dead-letter'] }));
      equal(delivery.event.data, '{"by":0}');
    },
  },
];
