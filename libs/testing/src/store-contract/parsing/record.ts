import { equal } from 'node:assert/strict';
import type { RunKey, RunState } from 'nestjs-runhooks/core';
import { at, LEASE_MS, onlyOne, recordingOf, SOURCE, type StoreHarness } from '../store-harness.js';
import type { ContractCase } from '../contract-case.js';
import { same } from '../same.js';

const RUN: RunKey = { source: SOURCE, accountId: '1', runId: '42' };

const ENDED: RunState = {
  jobKey: '1/7',
  outcome: 'failed',
  contradicted: true,
  types: ['run.started', 'run.failed'],
  startedAt: at(1),
  finishedAt: at(2),
};

const BEGUN: RunState = { jobKey: '1/7', contradicted: false, types: [] };

/** Records a message about a run, and returns the earlier state of the run. */
async function recordRun(harness: StoreHarness, run: RunKey, state?: RunState): Promise<RunState | undefined> {
  let known: RunState | undefined;
  await harness.append();
  await harness.record(await harness.takeMessages(), {
    run,
    decide: (found) => {
      known = found.run;
      return { events: [], ...(state && { run: state }) };
    },
  });
  return known;
}

export const recordCases: readonly ContractCase[] = [
  {
    title: 'record: writes nothing under a lease of another claim',
    run: async (harness) => {
      await harness.append();
      const { items } = await harness.takeMessages();
      const lost = { items, lease: 'another' };
      const [recorded] = await harness.record(lost, { decide: () => ({ events: [harness.event()] }) });
      same(recorded, { recorded: false, events: [], tasks: [], idReused: false });
      const { messages, events, deliveries } = await harness.store.counts();
      same([messages.stored, messages.parsed, events, deliveries.pending], [1, 0, 0, 0]);
    },
  },
  {
    title: 'record: writes only the recording of the current claim of a message',
    run: async (harness) => {
      await harness.append();
      const slow = await harness.takeMessages();
      const quick = await harness.takeMessages({ at: 2 * LEASE_MS });
      const decide = () => ({ events: [harness.event()] });
      equal((await harness.record(slow, { decide }))[0]?.recorded, false);
      equal((await harness.record(quick, { decide }))[0]?.recorded, true);
      equal((await harness.record(slow, { decide }))[0]?.recorded, false);
      equal((await harness.store.counts()).events, 1);
    },
  },
  {
    title: 'record: writes nothing if a recording is repeated',
    run: async (harness) => {
      await harness.append();
      const taken = await harness.takeMessages();
      equal((await harness.record(taken))[0]?.recorded, true);
      equal((await harness.record(taken))[0]?.recorded, false);
    },
  },
  {
    title: 'record: writes nothing for an unknown message and returns that',
    run: async (harness) => {
      const [recorded] = await harness.store.record([recordingOf('msg_nowhere', 'lease')], at(0));
      equal(recorded?.recorded, false);
    },
  },
  {
    title: 'record: stores the notes of a message and returns them unchanged, also in lists',
    run: async (harness) => {
      const notes = [
        { path: 'data["größe\\"]', expected: 'a text', found: 'a number beyond ±(2^53−1)' },
        { path: 'x', expected: '', found: 'null' },
      ];
      const [noted, plain] = [await harness.append(), await harness.append()];
      const taken = await harness.takeMessages();
      await harness.record({ ...taken, items: taken.items.filter(({ id }) => id === noted.id) }, { notes });
      await harness.record({ ...taken, items: taken.items.filter(({ id }) => id === plain.id) });
      const { items } = await harness.store.messages({}, {});
      same(
        new Map(items.map((message) => [message.id, message.notes])),
        new Map([
          [noted.id, notes],
          [plain.id, undefined],
        ]),
      );
      same(
        [(await harness.store.message(noted.id))?.notes, (await harness.store.message(plain.id))?.notes],
        [notes, undefined],
      );
    },
  },
  {
    title: 'record: passes the state of the run to `decide`, and nothing at first',
    run: async (harness) => {
      equal(await recordRun(harness, RUN, BEGUN), undefined);
      same(await recordRun(harness, RUN, ENDED), BEGUN);
      same(await recordRun(harness, RUN), ENDED);
      same(await recordRun(harness, RUN), ENDED);
    },
  },
  {
    title: 'record: returns that a message contradicts its run if `decide` says so',
    run: async (harness) => {
      await harness.append();
      const decide = () => ({ events: [], contradicts: 'failed' as const });
      equal((await harness.record(await harness.takeMessages(), { decide }))[0]?.contradicts, 'failed');
    },
  },
  {
    title: 'record: identifies a run by its source, its account and its id',
    run: async (harness) => {
      await recordRun(harness, RUN, ENDED);
      equal(await recordRun(harness, { ...RUN, source: 'other' }), undefined);
      equal(await recordRun(harness, { ...RUN, accountId: '2' }), undefined);
      equal(await recordRun(harness, { ...RUN, runId: '43' }), undefined);
    },
  },
  {
    title: 'record: reports a reused key if an earlier message of the source has the key and other bytes',
    run: async (harness) => {
      const earlier = await harness.append({ messageKey: 'same', receivedAt: at(0) });
      await harness.append({ messageKey: 'same', receivedAt: at(1) });
      await harness.append({ messageKey: 'other', receivedAt: at(2) });
      const taken = await harness.takeMessages({ at: 10 });
      const recorded = await harness.record(taken);
      equal(taken.items[0]?.id, earlier.id);
      same(
        recorded.map(({ idReused }) => idReused),
        [false, true, false],
      );
    },
  },
  {
    title: 'record: reports no reused key for another source or for messages without a key',
    run: async (harness) => {
      await harness.append({ messageKey: 'same', source: 'other' });
      await harness.append({ messageKey: 'same' });
      await harness.append({ messageKey: '' });
      await harness.append({ messageKey: '' });
      const recorded = await harness.record(await harness.takeMessages({ sources: [SOURCE, 'other'] }));
      equal(recorded.length, 4);
      equal(
        recorded.some(({ idReused }) => idReused),
        false,
      );
    },
  },
  {
    title: 'record: reports a reused key even if the later message is parsed first',
    run: async (harness) => {
      await harness.append({ messageKey: 'same', receivedAt: at(0) });
      await harness.append({ messageKey: 'same', receivedAt: at(1) });
      const { lease, items } = await harness.takeMessages({ at: 10 });
      const [second, first] = [onlyOne({ lease, items: items.slice(1) }), onlyOne({ lease, items: items.slice(0, 1) })];
      equal((await harness.record({ lease, items: [second] }))[0]?.idReused, true);
      equal((await harness.record({ lease, items: [first] }))[0]?.idReused, false);
    },
  },
];
