import { afterEach, expect, it } from '@jest/globals';
import type { EventSummary, JobRecord, JobRecords, Known, Recording, Store } from 'nestjs-runhooks/core';
import { paradime } from 'nestjs-runhooks/paradime';
import { ManualClock, paradimeWebhook, TEST_SECRETS, type ParadimeTestEvent } from 'nestjs-runhooks/testing';
import { eventFacts } from 'inside/event-data';
import { Random } from '../crash/random.js';
import { DispatchHarness, held, START } from '../dispatch/dispatch-harness.js';
import { eventually } from './eventually.js';
import { KillablePool } from './killable-pool.js';
import { newMessage } from './messages.js';
import { onPostgres, Schemas } from './server.js';

const SOURCE = 'paradime';
const WORKSPACE = 'w1';
const PROCESSES = 3;
const ROUNDS = 10;
const BATCH = 3;
const JOBS = ['one', 'two', 'three', 'four'];

/** How a webhook names its schedule. */
type Form = 'label' | 'slug' | 'both';
const FORMS: readonly Form[] = ['label', 'slug', 'both'];

interface Sent {
  readonly job: string;
  readonly runId: string;
  readonly event: ParadimeTestEvent;
  readonly form: Form;
}

function signed({ job, runId, event, form }: Sent, now: Date) {
  const slug = form === 'label' ? undefined : `${job}-slug`;
  const name = form === 'slug' ? `${job}-slug` : `${job} label`;
  const payload = {
    id: runId,
    workspace: { uid: WORKSPACE, name: 'w' },
    schedule_name: name,
    schedule: { name, ...(slug !== undefined && { slug }) },
  };
  return paradimeWebhook({ event, now, payload });
}

onPostgres('a job with several keys on Postgres', () => {
  const schemas = new Schemas();
  const closers: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const close of closers.splice(0)) await close();
  });

  async function start(schema: string, clock: ManualClock): Promise<DispatchHarness> {
    const store = await schemas.open({ schema, notify: false });
    // Otherwise one of the processes would claim all messages.
    const claimMessages = store.claimMessages.bind(store);
    store.claimMessages = (claim) => claimMessages({ ...claim, limit: BATCH });
    const sources = [paradime({ name: SOURCE, secrets: [TEST_SECRETS.paradime] })];
    const harness = await DispatchHarness.open({ store, clock, sources });
    closers.push(() => harness.close());
    return harness;
  }

  it('has one incident, and one row for each run, when three processes record its runs under all keys at once', async () => {
    const [schema, clock] = [schemas.next(), new ManualClock(START)];
    const processes: DispatchHarness[] = [];
    for (let count = 0; count < PROCESSES; count += 1) processes.push(await start(schema, clock));
    const [first] = processes;
    const random = new Random(7);
    /** Sends the messages in random order. Then all processes parse them at once. */
    const send = async (messages: readonly Sent[]): Promise<void> => {
      const order = messages.map((message) => ({ message, place: random.next() })).sort((a, b) => a.place - b.place);
      for (const { message } of order) await random.pick(processes)!.receive(SOURCE, signed(message, clock.now()));
      await Promise.all(processes.map((one) => one.idle()));
    };
    const tell = (round: number, end: 'failed' | 'succeeded'): Sent[] =>
      JOBS.flatMap((name) =>
        FORMS.flatMap((form) =>
          (['started', end] as const).map((event) => ({
            job: `${name} ${round}`,
            runId: `${name} ${round} ${end}`,
            event,
            form,
          })),
        ),
      );
    for (let round = 0; round < ROUNDS; round += 1) {
      await send(tell(round, 'failed'));
      clock.advance(60_000);
      await send(tell(round, 'succeeded'));
      clock.advance(60_000);
    }
    const counts = await first!.inbox.counts();
    expect(counts.messages).toMatchObject({ stored: 0, quarantined: 0, parsed: ROUNDS * JOBS.length * 12 });
    expect(processes.flatMap(({ lines }) => lines.filter((line) => !line.startsWith('log:')))).toEqual([]);
    const runs = await first!.inbox.runs({ source: SOURCE }, { limit: 1_000 });
    expect(runs.items).toHaveLength(ROUNDS * JOBS.length * 2);
    const events = (await first!.inbox.events({ source: SOURCE }, { limit: 1_000 })).items;
    const keyOf = ({ data }: EventSummary) => eventFacts(data).run!.job.key;
    for (const { runId, accountId, jobKey } of runs.items) {
      const own = events.filter(({ data }) => eventFacts(data).run?.id === runId);
      const end = runId.endsWith('failed') ? ['run.failed'] : ['run.recovered', 'run.succeeded'];
      expect(own.map(({ type }) => type).sort()).toEqual(['run.completed', ...end, 'run.started'].sort());
      expect({ accountId, keys: [...new Set(own.map(keyOf))] }).toEqual({ accountId: WORKSPACE, keys: [jobKey] });
      const failed = own.find(({ type }) => type === 'run.failed');
      const recovered = own.find(({ type }) => type === 'run.recovered');
      if (recovered) expect(eventFacts(recovered.data).incident?.failures).toBe(1);
      if (failed) expect(eventFacts(failed.data)).toMatchObject({ firstFailure: true, late: false });
    }
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const name of JOBS) {
        const keys = [`${name} ${round} label`, `${name} ${round}-slug`];
        const states = await Promise.all(
          keys.map((key) => first!.inbox.job({ source: SOURCE, jobKey: `${WORKSPACE}/${encodeURIComponent(key)}` })),
        );
        expect(states[0]).toMatchObject({ latestSuccessAt: expect.any(Date) as unknown });
        expect(states[0]).not.toHaveProperty('incident');
        expect(states[1]).toEqual(states[0]);
      }
    }
  });

  const CLAIM = { now: START, leaseMs: 60_000, limit: 1, lease: 'lease', sources: ['source'] };

  /** A process that can be stopped when it writes, and that counts its transactions that did not end well. */
  class Recorder {
    readonly knew: Known[] = [];
    rollbacks = 0;
    readonly #store: Store;
    readonly #pool: KillablePool;

    constructor(store: Store, pool: KillablePool) {
      this.#store = store;
      this.#pool = pool;
      pool.onQuery = (text) => void (this.rollbacks += text === 'rollback' ? 1 : 0);
    }

    static async open(schema: string): Promise<Recorder> {
      const pool = new KillablePool();
      const store = await schemas.open({ schema, pool, notify: false });
      closers.push(async () => {
        await store.close();
        await pool.end();
      });
      return new Recorder(store, pool);
    }

    /** Stops at its next write until `release` is called. */
    stopAtWrite() {
      const { promise, release } = held();
      let isReached = false;
      this.#pool.onQuery = (text) => {
        if (isReached || !text.startsWith('with "saved_jobs"')) return undefined;
        isReached = true;
        return promise;
      };
      return { reached: () => eventually(() => isReached), release };
    }

    /** Records a message about a job. `decide` adds 1 to the latest success of the job `job`, whose alias is `alias`. */
    async record(job: string, alias: string, fields: Partial<Recording>): Promise<boolean | undefined> {
      await this.#store.append(newMessage({ receivedAt: START }));
      const [message] = await this.#store.claimMessages(CLAIM);
      const decide = (known: Known) => {
        this.knew.push(known);
        const record = known.jobs?.get(job);
        const count = record && 'latestSuccessAt' in record ? record.latestSuccessAt!.getTime() : 0;
        const jobs = new Map<string, JobRecord>([
          [job, { latestSuccessAt: new Date(count + 1), aliases: [alias] }],
          [alias, { aliasOf: job }],
        ]);
        return { events: [], jobs };
      };
      const recording = { messageId: message!.id, lease: CLAIM.lease, state: 'parsed', ...fields, decide } as const;
      const [recorded] = await this.#store.record([recording], START);
      return recorded?.recorded;
    }

    async count(job: string): Promise<number | undefined> {
      return (await this.#store.job({ source: 'source', jobKey: job }))?.latestSuccessAt?.getTime();
    }
  }

  /** Resolves when `count` transactions of the schema wait for a lock. */
  async function untilWaiting(schema: string, count: number): Promise<void> {
    await eventually(async () => {
      const waiting = await schemas.query(
        `select 1 from pg_stat_activity where wait_event = 'advisory' and strpos(query, $1) > 0`,
        [`"${schema}"`],
      );
      return waiting.length >= count;
    });
  }

  it('locks the job whose alias a key has become while the lock of the key was waited for', async () => {
    const schema = schemas.next();
    const [one, two, three] = [await Recorder.open(schema), await Recorder.open(schema), await Recorder.open(schema)];
    const job = { source: 'source', jobKey: 'job' };
    const linked = two.stopAtWrite();
    const linking = two.record('job', 'alias', { job, otherJobKeys: ['alias'] });
    await linked.reached();
    const counted = three.stopAtWrite();
    const byJob = three.record('job', 'alias', { job });
    const byAlias = one.record('job', 'alias', { job: { ...job, jobKey: 'alias' } });
    await untilWaiting(schema, 2);
    linked.release();
    await counted.reached();
    // Now `one` has the lock of the key, and waits for that of the job.
    await untilWaiting(schema, 1);
    counted.release();
    expect(await Promise.all([linking, byJob, byAlias])).toEqual([true, true, true]);
    const state = { latestSuccessAt: new Date(2), aliases: ['alias'] };
    const records: JobRecords = new Map<string, JobRecord>([
      ['job', state],
      ['alias', { aliasOf: 'job' }],
    ]);
    expect([one.knew, await one.count('job')]).toEqual([[{ jobs: records }], 3]);
  });

  it('records every message when a key becomes an alias and two transactions then wait for each other', async () => {
    const schema = schemas.next();
    const [one, two, three] = [await Recorder.open(schema), await Recorder.open(schema), await Recorder.open(schema)];
    // Locks are taken in the order of hashes, so the transactions wait for each other for every second pair of keys.
    for (let pair = 0; one.rollbacks + three.rollbacks === 0; pair += 1) {
      const [key, alias] = [`job ${pair}`, `alias ${pair}`];
      const job = { source: 'source', jobKey: key };
      const stop = two.stopAtWrite();
      const linking = two.record(key, alias, { job, otherJobKeys: [alias] });
      await stop.reached();
      const byBoth = three.record(key, alias, { job, otherJobKeys: [alias] });
      await untilWaiting(schema, 1);
      const byAlias = one.record(key, alias, { job: { ...job, jobKey: alias } });
      await untilWaiting(schema, 2);
      stop.release();
      expect(await Promise.all([linking, byBoth, byAlias])).toEqual([true, true, true]);
      expect(await one.count(alias)).toBe(3);
    }
  });
});
