import { equal } from 'node:assert/strict';
import type { RunKey, RunState } from 'nestjs-runhooks/core';
import { at, LEASE_MS, onlyOne, recordingOf, SOURCE, type StoreBench } from './bench.js';
import type { ContractCase } from './contract-case.js';
import { same } from './same.js';

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

/** Reads one message about a run; answers what was known of it before. */
async function readRun(bench: StoreBench, run: RunKey, state?: RunState): Promise<RunState | undefined> {
  let known: RunState | undefined;
  await bench.append();
  await bench.record(await bench.takeMessages(), {
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
    title: 'record: writes nothing under a lease that is not the one of the claim',
    run: async (bench) => {
      await bench.append();
      const { items } = await bench.takeMessages();
      const lost = { items, lease: 'another' };
      const [recorded] = await bench.record(lost, { decide: () => ({ events: [bench.event()] }) });
      same(recorded, { recorded: false, eventIds: [], deliveries: 0, idReused: false });
      const { messages, events, deliveries } = await bench.store.counts();
      same([messages.stored, messages.read, events, deliveries.pending], [1, 0, 0, 0]);
    },
  },
  {
    title: 'record: of two readers of one message the one that holds the claim wins, the other writes nothing',
    run: async (bench) => {
      await bench.append();
      const slow = await bench.takeMessages();
      const quick = await bench.takeMessages({ at: 2 * LEASE_MS });
      const decide = () => ({ events: [bench.event()] });
      equal((await bench.record(slow, { decide }))[0]?.recorded, false);
      equal((await bench.record(quick, { decide }))[0]?.recorded, true);
      equal((await bench.record(slow, { decide }))[0]?.recorded, false);
      equal((await bench.store.counts()).events, 1);
    },
  },
  {
    title: 'record: a recording repeated writes nothing',
    run: async (bench) => {
      await bench.append();
      const taken = await bench.takeMessages();
      equal((await bench.record(taken))[0]?.recorded, true);
      equal((await bench.record(taken))[0]?.recorded, false);
    },
  },
  {
    title: 'record: answers that nothing was written about a message that is not there',
    run: async (bench) => {
      const [recorded] = await bench.store.record([recordingOf('msg_nowhere', 'lease')], at(0));
      equal(recorded?.recorded, false);
    },
  },
  {
    title: 'record: the notes of a reading come back as they were, in lists as well, and none where there were none',
    run: async (bench) => {
      const notes = [
        { path: 'data["größe\\"]', expected: 'a text', found: 'a number beyond ±(2^53−1)' },
        { path: 'x', expected: '', found: 'null' },
      ];
      const [noted, plain] = [await bench.append(), await bench.append()];
      const taken = await bench.takeMessages();
      await bench.record({ ...taken, items: taken.items.filter(({ id }) => id === noted.id) }, { notes });
      await bench.record({ ...taken, items: taken.items.filter(({ id }) => id === plain.id) });
      const { items } = await bench.store.messages({}, {});
      same(
        new Map(items.map((message) => [message.id, message.notes])),
        new Map([
          [noted.id, notes],
          [plain.id, undefined],
        ]),
      );
      same(
        [(await bench.store.message(noted.id))?.notes, (await bench.store.message(plain.id))?.notes],
        [notes, undefined],
      );
    },
  },
  {
    title: 'record: `decide` is given what is known of the run: nothing first, then all that was written',
    run: async (bench) => {
      equal(await readRun(bench, RUN, BEGUN), undefined);
      same(await readRun(bench, RUN, ENDED), BEGUN);
      same(await readRun(bench, RUN), ENDED);
      same(await readRun(bench, RUN), ENDED);
    },
  },
  {
    title: 'record: answers that a message contradicts what its run has had, if that was decided',
    run: async (bench) => {
      await bench.append();
      const decide = () => ({ events: [], contradicts: 'failed' as const });
      equal((await bench.record(await bench.takeMessages(), { decide }))[0]?.contradicts, 'failed');
    },
  },
  {
    title: 'record: a run is its source, its account and its id',
    run: async (bench) => {
      await readRun(bench, RUN, ENDED);
      equal(await readRun(bench, { ...RUN, source: 'other' }), undefined);
      equal(await readRun(bench, { ...RUN, accountId: '2' }), undefined);
      equal(await readRun(bench, { ...RUN, runId: '43' }), undefined);
    },
  },
  {
    title: 'record: a message has its id reused if an earlier one of its source has the id and other bytes',
    run: async (bench) => {
      const earlier = await bench.append({ messageKey: 'same', receivedAt: at(0) });
      await bench.append({ messageKey: 'same', receivedAt: at(1) });
      await bench.append({ messageKey: 'other', receivedAt: at(2) });
      const taken = await bench.takeMessages({ at: 10 });
      const recorded = await bench.record(taken);
      equal(taken.items[0]?.id, earlier.id);
      same(
        recorded.map(({ idReused }) => idReused),
        [false, true, false],
      );
    },
  },
  {
    title: 'record: no id is reused by another source, and none by messages without an id',
    run: async (bench) => {
      await bench.append({ messageKey: 'same', source: 'other' });
      await bench.append({ messageKey: 'same' });
      await bench.append({ messageKey: '' });
      await bench.append({ messageKey: '' });
      const recorded = await bench.record(await bench.takeMessages({ sources: [SOURCE, 'other'] }));
      equal(recorded.length, 4);
      equal(
        recorded.some(({ idReused }) => idReused),
        false,
      );
    },
  },
  {
    title: 'record: one message is told its id is reused also when it is read before the earlier one',
    run: async (bench) => {
      await bench.append({ messageKey: 'same', receivedAt: at(0) });
      await bench.append({ messageKey: 'same', receivedAt: at(1) });
      const { lease, items } = await bench.takeMessages({ at: 10 });
      const [second, first] = [onlyOne({ lease, items: items.slice(1) }), onlyOne({ lease, items: items.slice(0, 1) })];
      equal((await bench.record({ lease, items: [second] }))[0]?.idReused, true);
      equal((await bench.record({ lease, items: [first] }))[0]?.idReused, false);
    },
  },
];
