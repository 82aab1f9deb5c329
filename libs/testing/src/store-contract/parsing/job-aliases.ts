import { equal } from 'node:assert/strict';
import type { JobRecord, JobRecords, Known, Recording, RunState } from 'nestjs-runhooks/core';
import { at, recordingOf, SOURCE, type StoreHarness } from '../store-harness.js';
import type { ContractCase } from '../contract-case.js';
import { same } from '../same.js';

const RUN = { source: SOURCE, accountId: '1', runId: '42' };
/** Keys of one job, one of them with a character that some engines reject. */
const [KEY, ALIAS, OTHER] = ['1/7', 'a name \u0000 é', 'another'];
const ALIASES: JobRecords = new Map<string, JobRecord>([
  [KEY, { latestSuccessAt: at(5), aliases: [ALIAS, OTHER] }],
  [ALIAS, { aliasOf: KEY }],
  [OTHER, { aliasOf: KEY }],
]);

const jobOf = (jobKey: string) => ({ source: SOURCE, jobKey });
const stateOf = (jobKey: string): RunState => ({ jobKey, contradicted: false, types: [] });

/** Records a message, and returns what `decide` received. */
async function record(
  harness: StoreHarness,
  fields: Partial<Recording>,
  decided: { jobs?: JobRecords; run?: RunState } = {},
  ms = 0,
): Promise<Known> {
  let known: Known = {};
  await harness.append();
  const decide = (found: Known) => {
    known = found;
    return { events: [], ...decided };
  };
  await harness.record(await harness.takeMessages(), { ...fields, decide }, at(ms));
  return known;
}

/** Returns a decision that adds 1 to the latest success of a job, and notes the run. */
function counting({ jobs }: Known) {
  const record = jobs?.get(KEY);
  const count = record && 'latestSuccessAt' in record ? (record.latestSuccessAt?.getTime() ?? 0) : 0;
  return { events: [], jobs: new Map([[KEY, { latestSuccessAt: new Date(count + 1), aliases: [ALIAS, OTHER] }]]) };
}

export const jobAliasCases: readonly ContractCase[] = [
  {
    title: 'aliases: saves all records of a decision, and passes those of all reported keys to `decide`',
    run: async (harness) => {
      same(await record(harness, { job: jobOf(KEY), otherJobKeys: [ALIAS, OTHER] }, { jobs: ALIASES }), {});
      same(await record(harness, { job: jobOf(KEY), otherJobKeys: [ALIAS, OTHER] }), { jobs: ALIASES });
      same(await record(harness, { job: { ...jobOf(KEY), source: 'other' }, otherJobKeys: [ALIAS] }), {});
    },
  },
  {
    title: 'aliases: passes the record of the job that a reported key is an alias of to `decide`',
    run: async (harness) => {
      await record(harness, { job: jobOf(KEY) }, { jobs: ALIASES });
      const expected = new Map([...ALIASES].filter(([key]) => key !== OTHER));
      same(await record(harness, { job: jobOf(ALIAS) }), { jobs: expected });
      same(await record(harness, { job: jobOf('new'), otherJobKeys: [ALIAS] }), { jobs: expected });
    },
  },
  {
    title: 'aliases: passes the record of the job key of the run to `decide`, whatever key the message reports',
    run: async (harness) => {
      await record(harness, { run: RUN, job: jobOf(ALIAS) }, { jobs: ALIASES, run: stateOf(ALIAS) });
      const expected = new Map([...ALIASES].filter(([key]) => key !== OTHER));
      same(await record(harness, { run: RUN, job: jobOf('new') }), { run: stateOf(ALIAS), jobs: expected });
    },
  },
  {
    title: 'aliases: replaces a record, from a state to an alias and back',
    run: async (harness) => {
      await record(
        harness,
        { job: jobOf(KEY) },
        { jobs: new Map([[OTHER, { latestSuccessAt: at(1), nameOnly: true }]]) },
      );
      await record(harness, { job: jobOf(KEY) }, { jobs: ALIASES });
      same((await record(harness, { job: jobOf(OTHER) })).jobs?.get(OTHER), { aliasOf: KEY });
      const states: readonly JobRecord[] = [
        { latestSuccessAt: at(2), nameOnly: true },
        { aliases: ['id'], idAlias: 'id' },
      ];
      for (const state of states) {
        await record(harness, { job: jobOf(KEY) }, { jobs: new Map([[OTHER, state]]) });
        same(await record(harness, { job: jobOf(OTHER) }), { jobs: new Map([[OTHER, state]]) });
      }
    },
  },
  {
    title: 'aliases: passes the records that an earlier recording of the batch has decided to a later one',
    run: async (harness) => {
      for (let count = 0; count < 2; count += 1) await harness.append();
      const { lease, items } = await harness.takeMessages();
      let known: Known = {};
      const decides: readonly Recording['decide'][] = [
        () => ({ events: [], jobs: ALIASES, run: stateOf(KEY) }),
        (found) => {
          known = found;
          return { events: [] };
        },
      ];
      const recordings = items.map(({ id }, index) =>
        recordingOf(id, lease, {
          run: RUN,
          job: jobOf([KEY, ALIAS][index] ?? ''),
          decide: decides[index] ?? (() => ({ events: [] })),
        }),
      );
      await harness.store.record(recordings, at(0));
      same(known, { run: stateOf(KEY), jobs: new Map([...ALIASES].filter(([key]) => key !== OTHER)) });
    },
  },
  {
    title: 'aliases: returns a job and its runs by any of its keys',
    run: async (harness) => {
      for (const [index, jobKey] of [ALIAS, KEY, 'unrelated', OTHER].entries()) {
        const fields = { run: { ...RUN, runId: `${index}` }, job: jobOf(jobKey) };
        await record(harness, fields, { run: stateOf(jobKey) }, index);
      }
      await record(harness, { job: jobOf(KEY) }, { jobs: ALIASES });
      for (const jobKey of [KEY, ALIAS, OTHER]) {
        same(await harness.store.job(jobOf(jobKey)), ALIASES.get(KEY));
        const first = await harness.store.runs(jobOf(jobKey), { limit: 2 });
        const second = await harness.store.runs(jobOf(jobKey), { limit: 2, after: first.next ?? '' });
        same(
          [...first.items, ...second.items].map(({ runId }) => runId),
          ['3', '1', '0'],
        );
      }
      equal(await harness.store.job({ ...jobOf(ALIAS), source: 'other' }), undefined);
    },
  },
  {
    title:
      'aliases: decides concurrently recorded messages of one run one after another, whatever job keys they report',
    run: async (harness) => {
      for (let count = 0; count < 20; count += 1) await harness.append();
      const { lease, items } = await harness.takeMessages();
      const count = ({ run }: Known) => run?.types.length ?? 0;
      const decide = (known: Known) => ({
        run: { ...stateOf(KEY), types: Array.from({ length: count(known) + 1 }, () => 'run.started' as const) },
        events: [],
      });
      await Promise.all(
        items.map((item, index) =>
          harness.record({ lease, items: [item] }, { run: RUN, job: jobOf(`key ${index}`), decide }),
        ),
      );
      equal((await harness.store.run(RUN))?.types.length, 20);
    },
  },
  {
    title:
      'aliases: decides concurrently recorded messages of a job one after another, whichever of its keys they report',
    run: async (harness) => {
      await record(harness, { job: jobOf(KEY) }, { jobs: new Map([...ALIASES, [KEY, { aliases: [ALIAS, OTHER] }]]) });
      // These runs report another key now.
      const run = { ...RUN, runId: 'of alias' };
      await record(harness, { run, job: jobOf(ALIAS) }, { run: stateOf(ALIAS) });
      for (let count = 0; count < 20; count += 1) await harness.append();
      const { lease, items } = await harness.takeMessages();
      const reports: readonly Partial<Recording>[] = [
        { job: jobOf(KEY) },
        { job: jobOf(ALIAS) },
        { job: jobOf('new'), otherJobKeys: [OTHER] },
        { job: jobOf('unknown'), run },
      ];
      await Promise.all(
        items.map((item, index) =>
          harness.record({ lease, items: [item] }, { ...reports[index % reports.length], decide: counting }),
        ),
      );
      equal((await harness.store.job(jobOf(OTHER)))?.latestSuccessAt?.getTime(), 20);
    },
  },
];
