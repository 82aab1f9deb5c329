import { equal } from 'node:assert/strict';
import type { Known, RunKey, RunState } from 'nestjs-runhooks/core';
import { at, LEASE_MS, onlyOne, recordingOf, SOURCE } from '../store-harness.js';
import type { ContractCase } from '../contract-case.js';
import { same } from '../same.js';

const RUN: RunKey = { source: SOURCE, accountId: '1', runId: '42' };
const BEGUN: RunState = { jobKey: '1/7', contradicted: false, types: [] };

export const recordBatchCases: readonly ContractCase[] = [
  {
    title: 'record: accepts an empty batch',
    run: async (harness) => {
      same(await harness.store.record([], at(0)), []);
    },
  },
  {
    title: 'record: returns results in the order of the batch',
    run: async (harness) => {
      for (let count = 0; count < 5; count += 1) await harness.append();
      const { lease, items } = await harness.takeMessages();
      const events = items.map(() => harness.event());
      const recorded = await harness.store.record(
        items.map(({ id }, index) => {
          const event = events[index];
          return recordingOf(id, index === 2 ? 'another' : lease, { decide: () => ({ events: event ? [event] : [] }) });
        }),
        at(0),
      );
      same(
        recorded.map(({ events }) => events.map(({ id }) => id)),
        events.map(({ id }, index) => (index === 2 ? [] : [id])),
      );
    },
  },
  {
    title: 'record: decides messages of one run in one batch one after another, in order',
    run: async (harness) => {
      for (let count = 0; count < 3; count += 1) await harness.append();
      const { lease, items } = await harness.takeMessages();
      const decided: (string | undefined)[] = [];
      await harness.store.record(
        items.map(({ id }) =>
          recordingOf(id, lease, {
            run: RUN,
            decide: ({ run }) => {
              decided.push(run?.jobKey);
              return { run: { ...BEGUN, jobKey: `${run?.jobKey ?? ''}+` }, events: [] };
            },
          }),
        ),
        at(0),
      );
      // A store may call `decide` several times. Only the last call of each message counts.
      same(decided.slice(-3), [undefined, '+', '++']);
    },
  },
  {
    title: 'record: passes the job that an earlier message of the batch decided to `decide`, whatever their runs',
    run: async (harness) => {
      for (let count = 0; count < 3; count += 1) await harness.append();
      const { lease, items } = await harness.takeMessages();
      const job = { source: SOURCE, jobKey: '1/7' };
      const known: (number | undefined)[] = [];
      const recordings = items.map(({ id }, index) =>
        recordingOf(id, lease, {
          job,
          run: { ...RUN, runId: `${index}` },
          decide: (found) => {
            const record = found.jobs?.get(job.jobKey);
            known.push(record && 'latestSuccessAt' in record ? record.latestSuccessAt?.getTime() : undefined);
            return { jobs: new Map([[job.jobKey, { latestSuccessAt: at(index) }]]), run: BEGUN, events: [] };
          },
        }),
      );
      await harness.store.record(recordings, at(0));
      same(known.slice(-3), [undefined, at(0).getTime(), at(1).getTime()]);
      same(await harness.store.job(job), { latestSuccessAt: at(2) });
    },
  },
  {
    title: 'record: ignores a message of the batch whose claim is lost when it decides the next one of its run',
    run: async (harness) => {
      for (let count = 0; count < 2; count += 1) await harness.append();
      const { lease, items } = await harness.takeMessages();
      const event = harness.event();
      const runs: (string | undefined)[] = [];
      const decide = ({ run }: Known) => {
        runs.push(run?.jobKey);
        return { run: BEGUN, events: [event] };
      };
      const recordings = items.map(({ id }, index) =>
        recordingOf(id, index === 0 ? 'lost' : lease, { run: RUN, decide }),
      );
      const recorded = await harness.store.record(recordings, at(0));
      same(
        recorded.map(({ recorded: isRecorded, events }) => [isRecorded, events.length]),
        [
          [false, 0],
          [true, 1],
        ],
      );
      equal(runs.at(-1), undefined);
      equal(onlyOne(await harness.takeDeliveries()).event.messageId, items[1]?.id);
    },
  },
  {
    title: 'record: writes an event that two messages of the batch decide once, for the first of them',
    run: async (harness) => {
      for (let count = 0; count < 2; count += 1) await harness.append();
      const { lease, items } = await harness.takeMessages();
      const first = harness.event();
      const decided = [first, harness.event({ id: first.id })];
      const recorded = await harness.store.record(
        items.map(({ id }, index) => {
          const event = decided[index];
          return recordingOf(id, lease, { run: RUN, decide: () => ({ run: BEGUN, events: event ? [event] : [] }) });
        }),
        at(0),
      );
      same(
        recorded.map(({ events }) => events),
        [[first], []],
      );
      const delivery = onlyOne(await harness.takeDeliveries());
      same([delivery.id, delivery.event.messageId], [first.deliveries[0]?.id, items[0]?.id]);
    },
  },
  {
    title: 'record: decides concurrently recorded messages of one run one after another',
    run: async (harness) => {
      for (let count = 0; count < 20; count += 1) await harness.append();
      const { lease, items } = await harness.takeMessages();
      const count = ({ run }: Known) => Number(run?.jobKey ?? 0);
      const decide = (known: Known) => ({
        run: { ...BEGUN, jobKey: `${count(known) + 1}` },
        events: [],
      });
      await Promise.all(items.map((item) => harness.record({ lease, items: [item] }, { run: RUN, decide })));
      let last = 0;
      await harness.append();
      await harness.record(await harness.takeMessages(), {
        run: RUN,
        decide: (known) => {
          last = count(known);
          return { events: [] };
        },
      });
      equal(last, 20);
    },
  },
  {
    title: 'record: keeps a message stored if its `decide` throws, and loses no other recording of the batch',
    run: async (harness) => {
      for (let count = 0; count < 3; count += 1) await harness.append();
      const { lease, items } = await harness.takeMessages();
      const recordings = items.map(({ id }, index) =>
        recordingOf(id, lease, {
          run: { ...RUN, runId: `${index}` },
          decide: () => {
            if (index === 1) throw new Error('cannot decide');
            return { run: BEGUN, events: [harness.event()] };
          },
        }),
      );
      // A store may resolve or reject the batch as a whole.
      await harness.store.record(recordings, at(0)).catch(() => undefined);
      const { messages, events } = await harness.store.counts();
      same([messages.stored, messages.parsed, events], [1, 2, 2]);
      const left = onlyOne(await harness.takeMessages({ at: 2 * LEASE_MS }));
      equal(left.id, items[1]?.id);
    },
  },
];
