import { afterEach, expect, it } from '@jest/globals';
import type { ActionClaim, ActionStore, HeldAction, NewAction, RunState, Store } from 'nestjs-runhooks/core';
import { eventually } from './eventually.js';
import { KillablePool } from './killable-pool.js';
import { newMessage } from './messages.js';
import { onPostgres, Schemas } from './server.js';
import { stopAt } from './stop-at.js';

const NOW = new Date('2026-01-01T00:00:00Z');
const CLAIM = { now: NOW, leaseMs: 60_000, limit: 10 };

/** A process that shares the inbox. */
interface Process {
  readonly store: Store;
  readonly actions: ActionStore;
  readonly pool: KillablePool;
}

function retry(key: string, fields: Partial<NewAction> = {}): NewAction {
  const action = { source: 'source', kind: 'retry', target: '7', accountId: '1', request: '{}' } as const;
  return { ...action, mark: `runhooks:${key}`, ...fields, key };
}

function claimBy(lease: string): ActionClaim {
  return { now: NOW, leaseMs: 60_000, lease, latestDueAt: new Date(NOW.getTime() + 60_000) };
}

onPostgres('actions of several processes', () => {
  const schemas = new Schemas();
  const closers: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const close of closers.splice(0)) await close();
  });

  async function openTwo(): Promise<[Process, Process]> {
    const schema = schemas.next();
    const open = async (): Promise<Process> => {
      const pool = new KillablePool();
      const store = await schemas.open({ schema, pool, notify: false });
      closers.push(async () => {
        await store.close();
        await pool.end();
      });
      if (!store.actions) throw new Error('the store keeps no actions');
      return { store, actions: store.actions, pool };
    };
    return [await open(), await open()];
  }

  /** Resolves when a transaction waits for a lock of another one. */
  async function untilBlocked({ pool }: Process): Promise<void> {
    const blocked = `select 1 from pg_stat_activity where cardinality(pg_blocking_pids(pid)) > 0`;
    await eventually(async () => (await pool.query(blocked)).rows.length > 0);
  }

  async function claimMessage({ store }: Process, lease: string): Promise<string> {
    await store.append(newMessage({ receivedAt: NOW }));
    const [message] = await store.claimMessages({ ...CLAIM, lease, sources: ['source'] });
    return message!.id;
  }

  async function record(
    process: Process,
    messageId: string,
    lease: string,
    runId: string,
    fields: Partial<RunState> = {},
    actionMark?: string,
  ): Promise<void> {
    const run = { source: 'source', accountId: '1', runId };
    const job = { source: 'source', jobKey: 'job' };
    const decide = ({ run: known }: { run?: RunState }) => ({
      events: [],
      run: { jobKey: 'job', contradicted: false, types: [], ...known, ...fields },
      ...(actionMark !== undefined && { actionMark }),
    });
    const [recorded] = await process.store.record([{ messageId, lease, state: 'parsed', run, job, decide }], NOW);
    if (recorded?.failure) throw recorded.failure;
    expect(recorded?.recorded).toBe(true);
  }

  async function begin({ actions }: Process, action: NewAction, lease = action.key): Promise<HeldAction> {
    expect(await actions.begin(action, claimBy(lease))).toMatchObject({ begun: 'claimed' });
    return { source: action.source, key: action.key, lease };
  }

  it('lets one of two processes claim a new action', async () => {
    const [one, two] = await openTwo();
    const stop = stopAt(one.pool, /^insert into .*"actions"/);
    const first = one.actions.begin(retry('a'), claimBy('one'));
    await stop.reached();
    const second = two.actions.begin(retry('a'), claimBy('two'));
    await untilBlocked(two);
    stop.release();
    expect([(await first).begun, (await second).begun]).toEqual(['claimed', 'waiting']);
    expect((await one.actions.list({}, {})).items).toHaveLength(1);
  });

  it('lets one of two actions retry a root run once', async () => {
    const [one, two] = await openTwo();
    const stop = stopAt(one.pool, /^insert into .*"actions"/);
    const first = one.actions.begin(retry('a', { retriesMax: 1 }), claimBy('one'));
    await stop.reached();
    const second = two.actions.begin(retry('b', { retriesMax: 1 }), claimBy('two'));
    await untilBlocked(two);
    stop.release();
    expect((await first).begun).toBe('claimed');
    expect(await second).toEqual({ begun: 'limited', rootRun: '7', retries: 1 });
  });

  it('gives one of two actions a run that both have found', async () => {
    const [one, two] = await openTwo();
    const trigger = { kind: 'trigger', target: 'job' } as const;
    const [a, b] = [await begin(one, retry('a', trigger)), await begin(two, retry('b', trigger))];
    const stop = stopAt(one.pool, /^update .*"actions"/);
    const first = one.actions.answer(a, [{ runId: '8' }], NOW);
    await stop.reached();
    const second = two.actions.answer(b, [{ runId: '8' }], NOW);
    await untilBlocked(two);
    stop.release();
    expect([await first, await second]).toEqual([{ runId: '8' }, undefined]);
  });

  it('keeps both what a message reports of a new run and what its action does, whichever comes first', async () => {
    const [one, two] = await openTwo();
    await record(one, await claimMessage(one, 'reader'), 'reader', '7');
    for (const isRecordFirst of [true, false]) {
      const runId = isRecordFirst ? '8' : '9';
      const action = await begin(one, retry(runId));
      const messageId = await claimMessage(two, runId);
      const answer = () => one.actions.answer(action, [{ runId }], NOW);
      const report = () => record(two, messageId, runId, runId, { types: ['run.started'] });
      const stop = isRecordFirst ? stopAt(two.pool, /"saved_runs"/) : stopAt(one.pool, /^update .*"runs"/);
      const first: Promise<unknown> = isRecordFirst ? report() : answer();
      await stop.reached();
      const second: Promise<unknown> = isRecordFirst ? answer() : report();
      await untilBlocked(one);
      stop.release();
      await Promise.all([first, second]);
      const run = { source: 'source', accountId: '1', runId };
      expect(await one.store.run(run)).toMatchObject({ types: ['run.started'], retryOf: '7', rootRun: '7' });
    }
  });

  it('ends an action once if its attempt and a webhook with its mark answer it at once', async () => {
    const [one, two] = await openTwo();
    const action = await begin(one, retry('a', { kind: 'trigger', target: 'job' }));
    const messageId = await claimMessage(two, 'reader');
    const stop = stopAt(two.pool, /^update .*"actions"/);
    const recorded = record(two, messageId, 'reader', '8', {}, 'runhooks:a');
    await stop.reached();
    const answer = one.actions.answer(action, [{ runId: '8' }], NOW);
    await untilBlocked(one);
    stop.release();
    await recorded;
    expect(await answer).toBe(false);
    expect(await one.actions.find(action)).toMatchObject({ state: 'answered', answer: { runId: '8', accountId: '1' } });
    expect((await one.store.counts()).actions.answered).toBe(1);
  });

  it('answers and records in many rounds at once, without a deadlock or a lost retry', async () => {
    const [one, two] = await openTwo();
    // A transaction that the server ends because of a deadlock is rolled back, and repeated.
    const rollbacks: string[] = [];
    for (const { pool } of [one, two]) {
      pool.onQuery = (text) => {
        if (text.startsWith('rollback')) rollbacks.push(text);
        return undefined;
      };
    }
    await record(one, await claimMessage(one, 'reader'), 'reader', '7');
    for (let round = 0; round < 40; round += 1) {
      const runIds = ['a', 'b', 'c'].map((name) => `${name} ${round}`);
      const actions: HeldAction[] = [];
      for (const runId of runIds) actions.push(await begin(one, retry(runId)));
      const marked = await begin(two, retry(`marked ${round}`, { kind: 'trigger', target: 'job' }));
      const messages: string[] = [];
      for (const runId of [...runIds, 'marked']) messages.push(await claimMessage(two, runId));
      await Promise.all([
        ...runIds.map((runId, index) => one.actions.answer(actions[index]!, [{ runId }], NOW)),
        ...runIds.map((runId, index) => record(two, messages[index]!, runId, runId, { types: ['run.started'] })),
        record(two, messages[3]!, 'marked', `of mark ${round}`, {}, `runhooks:marked ${round}`),
        two.actions.answer(marked, [{ runId: `of mark ${round}` }], NOW),
        one.actions.begin(retry(`more ${round}`), claimBy(`more ${round}`)),
      ]);
      for (const runId of runIds) {
        const run = await one.store.run({ source: 'source', accountId: '1', runId });
        expect([run?.retryOf, run?.rootRun, run?.types]).toEqual(['7', '7', ['run.started']]);
      }
    }
    expect((await one.store.counts()).actions).toMatchObject({ answered: 160, intended: 40 });
    expect(rollbacks).toEqual([]);
  });
});
