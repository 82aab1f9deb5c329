import { equal } from 'node:assert/strict';
import type { JobRecords, JobState, Known, RunState } from 'nestjs-runhooks/core';
import { at, MUCH_LATER, SOURCE, type StoreHarness } from '../store-harness.js';
import type { ContractCase } from '../contract-case.js';
import { same } from '../same.js';

const RUN = { source: SOURCE, accountId: '1', runId: '42' };
const JOB = { source: SOURCE, jobKey: '1/7' };
const STATE: RunState = { jobKey: JOB.jobKey, contradicted: false, types: ['run.started'] };

const FAILING: JobState = {
  latestSuccessAt: at(5),
  incident: {
    openedAt: at(10),
    latestFailureAt: at(20),
    failures: 7,
    runs: [{ accountId: '1', runId: '\u0000"', finishedAt: at(10) }],
  },
};

/** Records a message about a run of a job, and returns the earlier state of both. */
async function recordJob(
  harness: StoreHarness,
  { job = JOB, run = RUN, state, runState, ms = 0 }: RecordJob = {},
): Promise<Known> {
  let known: Known = {};
  await harness.append();
  const decide = (found: Known) => {
    known = found;
    return { events: [], ...(state && { jobs: recordsOf(job, state) }), ...(runState && { run: runState }) };
  };
  await harness.record(await harness.takeMessages(), { job, run, decide }, at(ms));
  return known;
}

function recordsOf({ jobKey }: typeof JOB, state: JobState): JobRecords {
  return new Map([[jobKey, state]]);
}

interface RecordJob {
  readonly job?: typeof JOB;
  readonly run?: typeof RUN;
  readonly state?: JobState;
  readonly runState?: RunState;
  readonly ms?: number;
}

function latestSuccessOf(jobs: JobRecords | undefined): number {
  const record = jobs?.get(JOB.jobKey);
  return (record && 'latestSuccessAt' in record && record.latestSuccessAt?.getTime()) || 0;
}

export const jobCases: readonly ContractCase[] = [
  {
    title: 'jobs: passes the latest state of the job to `decide`, and nothing at first',
    run: async (harness) => {
      same(await recordJob(harness, { state: FAILING }), {});
      same(await recordJob(harness, { state: { latestSuccessAt: at(30) } }), { jobs: recordsOf(JOB, FAILING) });
      same(await recordJob(harness), { jobs: recordsOf(JOB, { latestSuccessAt: at(30) }) });
      same(await harness.store.job(JOB), { latestSuccessAt: at(30) });
    },
  },
  {
    title: 'jobs: identifies a job by its source and its key',
    run: async (harness) => {
      await recordJob(harness, { state: FAILING });
      for (const job of [
        { ...JOB, source: 'other' },
        { ...JOB, jobKey: '1/8' },
      ]) {
        same(await recordJob(harness, { job }), {});
        equal(await harness.store.job(job), undefined);
      }
    },
  },
  {
    title: 'jobs: decides concurrently recorded messages of one job one after another, whatever their runs',
    run: async (harness) => {
      for (let count = 0; count < 20; count += 1) await harness.append();
      const { lease, items } = await harness.takeMessages();
      const decide = ({ jobs }: Known) => ({
        jobs: recordsOf(JOB, { latestSuccessAt: new Date(latestSuccessOf(jobs) + 1) }),
        events: [],
      });
      await Promise.all(
        items.map((item, index) =>
          harness.record({ lease, items: [item] }, { job: JOB, run: { ...RUN, runId: `${index}` }, decide }),
        ),
      );
      equal((await harness.store.job(JOB))?.latestSuccessAt?.getTime(), 20);
    },
  },
  {
    title: 'jobs: keeps the state of a job, however long no message is about it',
    run: async (harness) => {
      await recordJob(harness, { state: FAILING });
      const late = at(MUCH_LATER);
      await harness.store.purge({
        finishedBefore: late,
        deadBefore: late,
        deduplicationBefore: late,
        goodBefore: late,
        nodesBefore: late,
        tasksBefore: late,
        limit: 10,
      });
      equal((await harness.store.counts()).messages.parsed, 0);
      same(await harness.store.job(JOB), FAILING);
    },
  },
  {
    title: 'run: returns a run with its key and the time of its last update',
    run: async (harness) => {
      equal(await harness.store.run(RUN), undefined);
      const runState: RunState = { ...STATE, outcome: 'canceled', startedAt: at(1), finishedAt: at(2) };
      await recordJob(harness, { runState, ms: 9 });
      same(await harness.store.run(RUN), { ...RUN, ...runState, updatedAt: at(9) });
    },
  },
  {
    title: 'runs: lists runs by source, job and outcome, last updated first, in complete pages',
    run: async (harness) => {
      for (let index = 0; index < 10; index += 1) {
        const jobKey = `1/${index % 2}`;
        const runState: RunState = { ...STATE, jobKey, ...(index < 4 && { outcome: 'failed' as const }) };
        // Several runs have the same time.
        await recordJob(harness, { run: { ...RUN, runId: `${index}` }, runState, ms: Math.floor(index / 4) });
      }
      const idsOf = async (filter: Parameters<typeof harness.store.runs>[0], limit = 3): Promise<string[]> => {
        const ids: string[] = [];
        let after: string | undefined;
        do {
          const page = await harness.store.runs(filter, { limit, ...(after && { after }) });
          ids.push(...page.items.map(({ runId }) => runId));
          after = page.next;
        } while (after !== undefined);
        return ids;
      };
      same(await idsOf({}), ['9', '8', '7', '6', '5', '4', '3', '2', '1', '0']);
      same(await idsOf({ jobKey: '1/1' }), ['9', '7', '5', '3', '1']);
      same(await idsOf({ outcome: 'failed' }), ['3', '2', '1', '0']);
      same(await idsOf({ source: 'other' }), []);
      same((await harness.store.runs({}, { after: 'no cursor' })).items, []);
    },
  },
  {
    title: 'runs: lists the messages, events and deliveries of a run',
    run: async (harness) => {
      for (const runId of ['42', '43']) {
        await harness.append();
        const decide = () => ({ events: [harness.event({ id: `run.failed:${runId}` })] });
        await harness.record(await harness.takeMessages(), { run: { ...RUN, runId }, decide });
      }
      await harness.append();
      await harness.record(await harness.takeMessages(), { state: 'quarantined' });
      const [messages, events, deliveries] = await Promise.all([
        harness.store.messages({ run: RUN }, {}),
        harness.store.events({ run: RUN }, {}),
        harness.store.deliveries({ run: RUN }, {}),
      ]);
      same([messages.items.length, deliveries.items.length], [1, 1]);
      same(
        [...events.items.map(({ id }) => id), ...deliveries.items.map(({ eventId }) => eventId)],
        ['run.failed:42', 'run.failed:42'],
      );
      equal((await harness.store.events({ run: { ...RUN, accountId: '2' } }, {})).items.length, 0);
    },
  },
];
