import { afterEach, expect, it } from '@jest/globals';
import type { ClaimedDelivery, KnownNodes, NodesStep, NodeState, ResultStore, Store } from 'nestjs-runhooks/core';
import { decided } from '../decided.js';
import { eventually } from './eventually.js';
import { KillablePool } from './killable-pool.js';
import { newMessage } from './messages.js';
import { onPostgres, Schemas } from './server.js';
import { stopAt } from './stop-at.js';

const NOW = new Date('2026-01-01T00:00:00Z');
const LATER = new Date('2026-01-02T00:00:00Z');
const CLAIM = { now: NOW, leaseMs: 60_000, limit: 10 };
const SCOPE = '{"accountId":"1","environment":"prod"}';
const OTHER_SCOPE = '{"accountId":"1","environment":"staging"}';
const NODE = 'model.shop.orders';
const NO_NODES = { total: 0, succeeded: 0, warned: 0, failed: 0, skipped: 0, unknown: 0 };

/** A process that shares the inbox. */
interface Process {
  readonly store: Store;
  readonly results: ResultStore;
  readonly pool: KillablePool;
}

onPostgres('results that several processes record', () => {
  const schemas = new Schemas();
  const closers: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const close of closers.splice(0)) await close();
  });

  async function openThree(): Promise<[Process, Process, Process]> {
    const schema = schemas.next();
    const open = async (): Promise<Process> => {
      const pool = new KillablePool();
      const store = await schemas.open({ schema, pool, notify: false });
      closers.push(async () => {
        await store.close();
        await pool.end();
      });
      if (!store.results) throw new Error('the store keeps no results');
      return { store, results: store.results, pool };
    };
    return [await open(), await open(), await open()];
  }

  /** Resolves when the step has ended, or waits for a lock of another one. Returns whether it has ended. */
  async function endsAlone({ pool }: Process, step: Promise<unknown>): Promise<boolean> {
    let isDone = false;
    void step.finally(() => (isDone = true));
    const blocked = `select 1 from pg_stat_activity where cardinality(pg_blocking_pids(pid)) > 0`;
    await eventually(async () => isDone || (await pool.query(blocked)).rows.length > 0);
    return isDone;
  }

  /** Stores a completed run, claims the delivery of its event, and saves results with one failed node. */
  async function savedRun(process: Process, runId: string, scope = SCOPE): Promise<ClaimedDelivery> {
    const delivery = await claimedRun(process, runId);
    await save(process, delivery, runId, scope);
    return delivery;
  }

  async function claimedRun({ store }: Process, runId: string): Promise<ClaimedDelivery> {
    await store.append(newMessage({ receivedAt: NOW }));
    const [message] = await store.claimMessages({ ...CLAIM, lease: 'parser', sources: ['source'] });
    const id = `run.completed:source/1/${runId}`;
    const deliveries = [{ id: `dlv_${runId}`, handlerId: 'results' }];
    const event = { id, type: 'run.completed', occurredAt: NOW, data: '{}', deliveries };
    const state = { jobKey: 'job', contradicted: false, types: ['run.completed'] } as const;
    const decide = () => ({ run: state, events: [event] });
    const run = { source: 'source', accountId: '1', runId };
    await store.record([{ messageId: message!.id, lease: 'parser', state: 'parsed', run, decide }], NOW);
    const [delivery] = await store.claimDeliveries({ ...CLAIM, lease: runId, handlerIds: ['results'] });
    return delivery!;
  }

  function save(
    { results }: Process,
    delivery: ClaimedDelivery,
    runId: string,
    scope: string,
    count = 1,
  ): Promise<unknown> {
    const node = { uniqueId: NODE, kind: 'model', outcome: 'failed', status: 'error' } as const;
    const failing = Array.from({ length: count }, (_, index) => ({ ...node, name: `orders ${index}` }));
    const counts = { counts: NO_NODES, kinds: {}, statuses: {}, unreadableRows: 0, missingSteps: [] };
    const content = { state: 'available', counts, failing, good: [], skipped: [] } as const;
    const run = { source: 'source', accountId: '1', runId };
    return results.save(delivery, { run, finishedAt: NOW, scope, content }, NOW);
  }

  /** Returns a step that adds an observation and an event. */
  function stepOf(runId: string, { from = 0, scope = SCOPE, node = NODE } = {}): NodesStep {
    const observation = { accountId: '1', runId, finishedAt: NOW };
    const decide = ({ nodes }: KnownNodes) => {
      const known = nodes.get(node);
      const state: NodeState = {
        incident: known?.incident ?? { openedAt: NOW, latestFailureAt: NOW, failures: 1, runs: [observation] },
        history: [...(known?.history ?? []), { ...observation, outcome: 'failed' }],
        observedAt: NOW,
      };
      const id = `node.failed:source/1/${runId}/${from}`;
      const deliveries = [{ id: `dlv_${runId}_${from}`, handlerId: 'on-call' }];
      const events = [{ id, type: 'node.failed', occurredAt: NOW, data: '"quoted"', deliveries }];
      return { nodes: new Map([[node, state]]), events, tasks: [] };
    };
    const run = { source: 'source', accountId: '1', runId };
    return { run, scope, from, to: from + 1, nodeIds: [node], handlers: [], decide };
  }

  async function observations({ results }: Process, nodeId = NODE): Promise<number> {
    const { items } = await results.nodes({ nodeId }, {}, new Date(0));
    return items.reduce((sum, { history }) => sum + history.length, 0);
  }

  it('wait for each other in one place, and in no other', async () => {
    const [one, two, three] = await openThree();
    const [first, second] = [await savedRun(one, '1'), await savedRun(two, '2')];
    const third = await savedRun(three, '3', OTHER_SCOPE);
    const stop = stopAt(one.pool, /^insert into .*"nodes"/);
    const recording = one.results.recordNodes(first, stepOf('1'), NOW);
    await stop.reached();
    const inPlace = two.results.recordNodes(second, stepOf('2'), NOW);
    expect(await endsAlone(three, inPlace)).toBe(false);
    expect(await three.results.recordNodes(third, stepOf('3', { scope: OTHER_SCOPE }), NOW)).toHaveLength(1);
    stop.release();
    expect(await Promise.all([recording, inPlace])).toMatchObject([[{}], [{}]]);
    const { items } = await three.results.nodes({ nodeId: NODE }, {}, new Date(0));
    const observed = new Map(items.map(({ scope, history }) => [scope, history.length]));
    expect(observed).toEqual(
      new Map([
        [SCOPE, 2],
        [OTHER_SCOPE, 1],
      ]),
    );
  });

  it('keep an incident closed that an operator closes during a step', async () => {
    const [one, two, three] = await openThree();
    const delivery = await savedRun(one, '1');
    await one.results.recordNodes(delivery, stepOf('1'), NOW);
    const stop = stopAt(one.pool, /^insert into .*"nodes"/);
    const recording = one.results.recordNodes(delivery, stepOf('1', { from: 1 }), NOW);
    await stop.reached();
    const node = { source: 'source', scope: SCOPE, nodeId: NODE };
    const closing = two.results.closeIncident(node, decided(), NOW);
    expect(await endsAlone(three, closing)).toBe(false);
    stop.release();
    expect(await Promise.all([recording, closing])).toMatchObject([[{}], true]);
    expect(await three.results.hasIncident(node, new Date(0))).toBe(false);
  });

  it('are not recorded by a process that has lost its claim while it waited', async () => {
    const [one, two, three] = await openThree();
    const [first, second] = [await savedRun(one, '1'), await savedRun(two, '2')];
    const stop = stopAt(one.pool, /^insert into .*"nodes"/);
    const recording = one.results.recordNodes(first, stepOf('1'), NOW);
    await stop.reached();
    const waiting = two.results.recordNodes(second, stepOf('2'), NOW);
    expect(await endsAlone(three, waiting)).toBe(false);
    const claimed = await three.store.claimDeliveries({ ...CLAIM, now: LATER, lease: '3', handlerIds: ['results'] });
    expect(claimed.map(({ id }) => id)).toEqual([second.id]);
    stop.release();
    expect(await recording).toHaveLength(1);
    expect(await waiting).toBeUndefined();
    expect(await observations(three)).toBe(1);
    expect(await three.results.recordNodes({ ...second, lease: '3' }, stepOf('2'), NOW)).toHaveLength(1);
  });

  it('are erased, even if they are just being written by a process whose lease has expired', async () => {
    const [one, two, three] = await openThree();
    const delivery = await claimedRun(one, '1');
    const erase = () => {
      const erasure = { messageIds: [delivery.event.messageId!], eventIds: [], runs: [], texts: [] };
      return two.store.erase(erasure, decided(), LATER);
    };
    const run = { source: 'source', accountId: '1', runId: '1' };
    const stop = stopAt(one.pool, /^insert into .*"result_nodes"/);
    const saving = save(one, delivery, '1', SCOPE);
    await stop.reached();
    const erasing = erase();
    expect(await endsAlone(three, erasing)).toBe(false);
    stop.release();
    await saving;
    expect(await erasing).toMatchObject({ messages: 1, held: 0 });
    expect(await one.results.failing(run, 0, 1)).toEqual([]);
    expect(await one.results.recordNodes(delivery, stepOf('1'), NOW)).toBeUndefined();
  });

  it('are saved from the beginning after an interruption, and not found before they are complete', async () => {
    const [one, two] = await openThree();
    const delivery = await claimedRun(one, '1');
    const run = { source: 'source', accountId: '1', runId: '1' };
    let parts = 0;
    one.pool.onQuery = (text) => (/^insert into .*"result_nodes"/.test(text) && ++parts === 6 ? 'before' : undefined);
    await expect(save(one, delivery, '1', SCOPE, 1_500)).rejects.toThrow('cannot be used');
    expect(await two.results.find(run)).toBeUndefined();
    expect(await two.results.recordNodes(delivery, stepOf('1'), NOW)).toEqual([]);
    await save(two, delivery, '1', SCOPE, 1_100);
    expect((await two.results.find(run))?.failing).toBe(1_100);
    const failing = await two.results.failing(run, 0, 2_000);
    expect(failing.map(({ name }) => name)).toEqual(Array.from({ length: 1_100 }, (_, index) => `orders ${index}`));
  });

  it('leave no event behind when a message is erased during a step', async () => {
    const [one, two, three] = await openThree();
    const delivery = await savedRun(one, '1');
    const stop = stopAt(one.pool, /^insert into .*"nodes"/);
    const recording = one.results.recordNodes(delivery, stepOf('1'), NOW);
    await stop.reached();
    const erasure = { messageIds: [delivery.event.messageId!], eventIds: [], runs: [], texts: [] };
    const erasing = two.store.erase(erasure, decided(), LATER);
    expect(await endsAlone(three, erasing)).toBe(false);
    stop.release();
    expect(await recording).toHaveLength(1);
    await erasing;
    const { items } = await three.store.events({}, {});
    expect(items.filter(({ data }) => data.includes('quoted'))).toEqual([]);
  });

  it('are recorded once each by three processes that also renew, purge, close incidents and add deliveries', async () => {
    const processes = await openThree();
    const [first] = processes;
    const runs: { runId: string; delivery: ClaimedDelivery }[] = [];
    for (let run = 0; run < 6; run += 1) {
      runs.push({ runId: `${run}`, delivery: await savedRun(first, `${run}`, run % 3 === 0 ? OTHER_SCOPE : SCOPE) });
    }
    const steps = 5;
    const written: string[] = [];
    const added: number[] = [];
    const never = new Date(0);
    const times = { finishedBefore: LATER, deadBefore: LATER, deduplicationBefore: never, tasksBefore: never };
    const work = async ({ store, results }: Process, process: number): Promise<void> => {
      for (const [place, { runId, delivery }] of runs.entries()) {
        const scope = place % 3 === 0 ? OTHER_SCOPE : SCOPE;
        for (let from = 0; from < steps; from += 1) {
          const events = await results.recordNodes(delivery, stepOf(runId, { from, scope }), NOW);
          written.push(...(events ?? []).map(({ id }) => id));
          await store.renew([delivery], CLAIM);
        }
        const events = runs.map(({ delivery: { event } }, index) => ({
          eventId: event.id,
          deliveries: [{ id: `dlv_${process}_${runId}_${index}_added`, handlerId: 'added' }],
        }));
        added.push((await results.addDeliveries(delivery, 'late', events.reverse(), NOW)) ?? 0);
        await results.closeIncident({ source: 'source', scope, nodeId: NODE }, decided(), NOW);
        await store.purge({ ...times, goodBefore: LATER, nodesBefore: NOW, limit: 10 });
      }
    };
    await Promise.all(processes.map(work));
    expect([written.length, new Set(written).size]).toEqual([runs.length * steps, runs.length * steps]);
    expect(added.reduce((sum, one) => sum + one, 0)).toBe(runs.length);
    expect(await observations(first)).toBe(runs.length * steps);
    for (const { runId } of runs) {
      expect((await first.results.find({ source: 'source', accountId: '1', runId }))?.recorded).toBe(steps);
    }
    const { events, deliveries } = await first.store.counts();
    expect([events, deliveries.pending]).toEqual([runs.length * (steps + 1), runs.length * (steps + 2)]);
  });
});
