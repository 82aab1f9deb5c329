import { describe, expect, it } from '@jest/globals';
import { ProviderApiError, ProviderCooldownError, type ProviderApiErrorReason } from '../api/provider-api-error.js';
import { WaitingError } from '../deliveries/waiting.js';
import { LeaseLostError, PermanentError } from '../errors.js';
import { eventFacts, runEventId, type EventFacts } from '../events/event-data.js';
import type { RunEvent } from '../events/event.js';
import type { DeliveryContext } from '../handlers/handler.js';
import { HandlerSet } from '../handlers/handler-set.js';
import { resolveHandlerOptions } from '../handlers/handler.js';
import { Router } from '../handlers/router.js';
import type { Subscription } from '../handlers/subscription.js';
import { IdSequence } from '../ids.js';
import { LIMITS } from '../limits.js';
import { MessageCleaner, type Redact } from '../nodes/clean-message.js';
import { nodeNameOf } from '../nodes/node-name.js';
import { placeOf, scopeOf } from '../nodes/node-scope.js';
import type { NodeOutcome, NodeResult } from '../nodes/node-result.js';
import type { NodeState } from '../nodes/node-state.js';
import type { Run, RunStatus } from '../runs/run.js';
import type { RunKey } from '../runs/run-state.js';
import { ResultsNotReadyError, type ResultsReading } from '../sources/results-reader.js';
import type { Held } from '../store/claim.js';
import type { AddedDeliveries, NewEvent } from '../store/recording.js';
import type { RunSummary } from '../store/inbox-reader.js';
import type { NewResults, NodesStep, ResultStore, SavedResults, ScopeKey } from '../store/result-store.js';
import { StoreGuard } from '../store/store-guard.js';
import type { Store } from '../store/store.js';
import { timers } from '../time/timers.js';
import { ResultsRecorder } from './results-recorder.js';

const NOW = Date.UTC(2026, 0, 31);
const DAY_MS = 86_400_000;
const keyText = ({ source, accountId, runId }: RunKey) => JSON.stringify([source, accountId, runId]);

interface Saved {
  state: SavedResults['state'];
  recorded: number;
  readonly results: NewResults;
}

/** Keeps results in memory, with the rules of the port. It can end the process at a call. */
class FakeResults implements ResultStore {
  readonly saved = new Map<string, Saved>();
  readonly states = new Map<string, Map<string, NodeState>>();
  readonly events: NewEvent[] = [];
  readonly tasks: { readonly id: string; readonly handlerId: string; readonly data: string }[] = [];
  readonly added: { readonly replayId: string; readonly events: readonly AddedDeliveries[] }[] = [];
  readonly calls: string[] = [];
  otherHandlers: readonly string[] = [];
  lease = 'lease';
  /** Calls until the process ends. */
  callsLeft = Infinity;
  /** Whether the last call is committed. */
  isCommitted = false;

  save(held: Held, results: NewResults): Promise<SavedResults | 'wanted' | undefined> {
    return this.#call('save', held, () => {
      const known = this.saved.get(keyText(results.run));
      if (known && known.state !== 'unread') return shown(known);
      const isUnread = results.content.state === 'unread';
      if (isUnread && (this.otherHandlers.length > 0 || this.#isOpen(results))) return 'wanted';
      const saved: Saved = { state: isUnread ? 'unread' : 'recording', recorded: 0, results };
      this.saved.set(keyText(results.run), saved);
      return shown(saved);
    });
  }

  async find(run: RunKey): Promise<SavedResults | undefined> {
    return await this.#call('find', undefined, () => {
      const saved = this.saved.get(keyText(run));
      return saved && shown(saved);
    });
  }

  async failing(run: RunKey, from: number, limit: number): Promise<NodeResult[]> {
    const nodes = await this.#call('failing', undefined, () =>
      failingOf(this.saved.get(keyText(run))).slice(from, from + limit),
    );
    return nodes ?? [];
  }

  async trackedNodes({ scope }: ScopeKey): Promise<string[]> {
    return (await this.#call('trackedNodes', undefined, () => [...(this.states.get(scope)?.keys() ?? [])])) ?? [];
  }

  recordNodes(held: Held, step: NodesStep): Promise<readonly NewEvent[] | undefined> {
    return this.#call('recordNodes', held, () => {
      const saved = this.saved.get(keyText(step.run));
      if (!saved || saved.recorded !== step.from || saved.state !== 'recording') return [];
      const states = step.scope === undefined ? new Map<string, NodeState>() : this.#statesOf(step.scope);
      const nodes = new Map([...states].filter(([id]) => step.nodeIds.includes(id)));
      const laterSuccesses = this.#laterSuccesses(saved.results, step);
      const { otherHandlers } = this;
      const decision = step.decide({ nodes, laterSuccesses, ...(otherHandlers.length > 0 && { otherHandlers }) });
      for (const [id, state] of decision.nodes) states.set(id, state);
      const events = decision.events.filter(({ id }) => !this.events.some((one) => one.id === id));
      this.events.push(...events);
      this.tasks.push(...decision.tasks);
      saved.recorded = step.to;
      if (step.isLast) saved.state = 'recorded';
      return events;
    });
  }

  async unreadAfter(scope: ScopeKey, after: Date): Promise<{ items: RunKey[] }> {
    const found = await this.#call('unreadAfter', undefined, () =>
      [...this.saved.values()]
        .filter(({ state, results }) => state === 'unread' && results.scope === placeOf(scope.scope))
        .map(({ results }) => results)
        .filter(({ finishedAt }) => finishedAt > after)
        .map(({ run }) => run),
    );
    return { items: found ?? [] };
  }

  addDeliveries(held: Held, replayId: string, events: readonly AddedDeliveries[]): Promise<number | undefined> {
    return this.#call('addDeliveries', held, () => this.added.push({ replayId, events }) && events.length);
  }

  async hasIncident(scope: ScopeKey): Promise<boolean> {
    return (await this.#call('hasIncident', undefined, () => this.#isOpen({ scope: scope.scope }))) ?? false;
  }

  nodes(): never {
    throw new Error('not for recording');
  }

  closeIncident(): never {
    throw new Error('not for recording');
  }

  /** Facts of the events of a type, in the order in which they were written. */
  facts(type: string): EventFacts[] {
    return this.events.filter((event) => event.type === type).map(({ data }) => eventFacts(data));
  }

  #call<T>(name: string, held: Held | undefined, verb: () => T): Promise<T | undefined> {
    this.calls.push(name);
    const ended = (): Promise<undefined> => Promise.reject(new Error('the process has ended'));
    if (this.callsLeft === 1 && !this.isCommitted) return ended();
    const result = held && held.lease !== this.lease ? undefined : verb();
    this.callsLeft -= 1;
    return this.callsLeft === 0 ? ended() : Promise.resolve(result);
  }

  #isOpen({ scope = '' }: Pick<NewResults, 'scope'>): boolean {
    const scopes = [...this.states].filter(([one]) => placeOf(one) === placeOf(scope));
    return scopes.some(([, states]) => [...states.values()].some(({ incident }) => incident !== undefined));
  }

  #statesOf(scope: string): Map<string, NodeState> {
    const states = this.states.get(scope) ?? new Map<string, NodeState>();
    this.states.set(scope, states);
    return states;
  }

  #laterSuccesses({ finishedAt }: NewResults, { scope, nodeIds }: NodesStep): Map<string, Date> {
    const later = new Map<string, Date>();
    for (const { results } of this.saved.values()) {
      if (results.scope !== scope || results.finishedAt <= finishedAt) continue;
      for (const id of goodOf(results)) if (nodeIds.includes(id)) later.set(id, results.finishedAt);
    }
    return later;
  }
}

function failingOf(saved: Saved | undefined): readonly NodeResult[] {
  const content = saved?.results.content;
  return content?.state === 'available' ? content.failing : [];
}

function goodOf({ content }: NewResults): readonly string[] {
  return content.state === 'available' ? content.good : [];
}

function shown({ state, recorded, results }: Saved): SavedResults {
  const { scope, finishedAt, content } = results;
  const isAvailable = content.state === 'available';
  return {
    state,
    finishedAt,
    recorded,
    failing: isAvailable ? content.failing.length : 0,
    good: isAvailable ? content.good : [],
    skipped: isAvailable ? content.skipped : [],
    ...(scope !== undefined && { scope }),
    ...(isAvailable && { counts: content.counts }),
    ...(content.state === 'missing' && { reason: content.reason }),
  };
}

function run(id: string, status: RunStatus, endMs: number, more: Partial<Run> = {}): Run {
  return {
    id,
    status,
    job: { key: 'job:1', id: '1' },
    account: { id: '4' },
    environment: { id: '6' },
    trigger: { kind: 'schedule' },
    finishedAt: new Date(NOW + endMs),
    ...more,
  };
}

function node(uniqueId: string, outcome: NodeOutcome = 'failed', more: Partial<NodeResult> = {}): NodeResult {
  return { ...nodeNameOf(uniqueId), outcome, status: outcome, ...more };
}

function reading(nodes: readonly NodeResult[], more: { isIsolated?: boolean; target?: string } = {}): ResultsReading {
  return { state: 'available', nodes, unreadableRows: 0, missingSteps: [], isIsolated: false, ...more };
}

const ALL: Subscription = { on: { types: ['run.results', 'node.failed', 'node.recovered'] }, filter: {} };
const NODES: Subscription = { on: { types: ['node.failed', 'node.recovered'] }, filter: {} };

/** A worker. Its reader answers with what {@link answers} has for the run. */
class Worker {
  readonly results = new FakeResults();
  readonly answers = new Map<string, ResultsReading | Error>();
  readonly reads: string[] = [];
  readonly lines: string[] = [];
  readonly announced: string[] = [];
  /** State of the runs that the inbox knows. */
  readonly runs = new Map<string, Pick<RunSummary, 'retryOf' | 'rootRun'>>();
  now = NOW + DAY_MS;
  due = 0;
  readonly #recorder: ResultsRecorder;

  constructor(
    subscriptions: readonly Subscription[] = [ALL],
    jobs: Store['job'] = () => Promise.resolve(undefined),
    redact?: Redact,
  ) {
    const handlers = new HandlerSet();
    handlers.add({
      ...resolveHandlerOptions('page', {}),
      label: 'page',
      subscriptions,
      invoke: () => Promise.resolve(),
    });
    const note = (level: string) => (line: string) => void this.lines.push(`${level} ${line}`);
    const logger = { debug: note('debug'), log: note('log'), warn: note('warn'), error: note('error') };
    const read = (asked: Run): Promise<ResultsReading> => {
      this.reads.push(asked.id);
      const answer = this.answers.get(asked.id) ?? reading([]);
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
    };
    this.#recorder = new ResultsRecorder({
      store: {
        job: jobs,
        message: () => Promise.resolve(undefined),
        run: ({ runId }: RunKey) => Promise.resolve(this.runs.get(runId)),
      } as unknown as Store,
      results: this.results,
      readers: new Map([['dbt', { read }]]),
      router: new Router(handlers, new IdSequence()),
      clock: { now: () => new Date(this.now) },
      logger,
      guard: new StoreGuard(logger),
      cleaner: new MessageCleaner({ logger, redact }),
      onDue: () => void this.due++,
      onEvents: (events) => void this.announced.push(...events.map(({ id }) => id)),
    });
  }

  /** Handles a delivery of a completed run. */
  async complete(completed: Run, more: { signal?: AbortSignal; waitingSince?: Date } = {}): Promise<void> {
    const { signal = new AbortController().signal, waitingSince } = more;
    const deliveryId = 'dlv_1';
    const event = {
      id: `run.completed:dbt/4/${completed.id}`,
      type: 'run.completed',
      provider: 'dbt-cloud',
      source: 'dbt',
      messageId: 'msg_1',
      run: completed,
      occurredAt: completed.finishedAt,
      receivedAt: new Date(NOW + DAY_MS),
    } as unknown as RunEvent<'run.completed'>;
    const context = {
      id: deliveryId,
      handlerId: 'runhooks.results:dbt',
      messageId: 'msg_1',
      signal,
    } as DeliveryContext;
    await this.#recorder.invoke(event, context, {
      id: deliveryId,
      lease: 'lease',
      ...(waitingSince && { waitingSince }),
    });
  }

  /** Lets a run of some nodes complete. */
  async ran(completed: Run, nodes: readonly NodeResult[], more: Parameters<typeof reading>[1] = {}): Promise<void> {
    this.answers.set(completed.id, reading(nodes, more));
    await this.complete(completed);
  }
}

const ORDERS = 'model.shop.orders';
const UNIQUE = 'test.shop.unique_orders_id.fed79b3a6e';

describe('ResultsRecorder', () => {
  it('writes the results of a run, with the failed nodes first, and an event for each failed node', async () => {
    const worker = new Worker();
    await worker.ran(run('7', 'failed', 0), [
      node('model.shop.a', 'succeeded'),
      node('test.shop.b', 'warned', { message: '\u001b[33mold\u001b[0m' }),
      node(ORDERS, 'failed', { message: '\u001b[31mno such table\u001b[0m' }),
      node('model.shop.c', 'skipped'),
      node('model.shop.d', 'unknown', { status: 'odd' }),
    ]);
    const [facts] = worker.results.facts('run.results');
    expect(facts?.results).toMatchObject({
      state: 'available',
      counts: { total: 5, succeeded: 1, warned: 1, failed: 1, skipped: 1, unknown: 1 },
      kinds: { model: { total: 4 }, test: { total: 1, warned: 1 } },
      statuses: { odd: 1, failed: 1 },
      failed: [{ uniqueId: ORDERS, message: 'no such table' }],
      warned: [{ uniqueId: 'test.shop.b', message: 'old' }],
      omitted: 0,
    });
    expect(facts).toMatchObject({ run: { id: '7' }, isolated: false, occurredAt: new Date(NOW) });
    expect(worker.results.facts('node.failed')).toMatchObject([
      { node: { uniqueId: ORDERS }, firstFailure: true, late: false, isolated: false, incident: { failures: 1 } },
    ]);
    expect(worker.results.events.map(({ id }) => id)).toEqual([`node.failed:dbt/4/7/${ORDERS}`, 'run.results:dbt/4/7']);
    expect(worker.results.events.map(({ deliveries }) => deliveries.length)).toEqual([1, 1]);
    expect(worker.announced).toHaveLength(2);
    expect(worker.due).toBeGreaterThan(0);
  });

  it('names the run that a retry retries, also if that was known only after the run had completed', async () => {
    const worker = new Worker();
    worker.runs.set('8', { retryOf: '7', rootRun: '5' });
    await worker.ran(run('8', 'failed', 0), [node(ORDERS)]);
    for (const type of ['node.failed', 'run.results']) {
      expect(worker.results.facts(type)).toMatchObject([{ run: { id: '8', retryOf: '7', rootRun: '5' } }]);
    }
  });

  it('opens one incident of a node over several runs and ends it once', async () => {
    const worker = new Worker();
    await worker.ran(run('1', 'failed', 10), [node(UNIQUE)]);
    await worker.ran(run('2', 'failed', 20), [node(UNIQUE)]);
    await worker.ran(run('3', 'succeeded', 30), [node(UNIQUE, 'succeeded'), node(ORDERS, 'succeeded')]);
    await worker.ran(run('4', 'succeeded', 40), [node(UNIQUE, 'warned')]);
    expect(worker.results.facts('node.failed').map(({ firstFailure }) => firstFailure)).toEqual([true, false]);
    expect(worker.results.facts('node.recovered')).toMatchObject([
      { run: { id: '3' }, node: nodeNameOf(UNIQUE), incident: { failures: 2 } },
    ]);
    // A node that has not failed has no state.
    expect([...(worker.results.states.get(scopeOf(run('1', 'failed', 10)))?.keys() ?? [])]).toEqual([UNIQUE]);
  });

  it('keeps the ids of events short, however long the id of a node is', async () => {
    const worker = new Worker();
    const long = ['a', 'b'].map((end) => `model.shop.${'売'.repeat(300)}${end}`);
    await worker.ran(
      run('1', 'failed', 10),
      long.map((id) => node(id)),
    );
    const ids = worker.results.events.map(({ id }) => id);
    expect(new Set(ids).size).toBe(3);
    expect(Math.max(...ids.map((id) => id.length))).toBeLessThan(200);
  });

  it('leaves the event loop free while a slow function redacts messages', async () => {
    const slow = (text: string): string => {
      const endsAt = timers.monotonicMs() + LIMITS.parseTurnMs / 4;
      while (timers.monotonicMs() < endsAt);
      return text;
    };
    const worker = new Worker([ALL], undefined, slow);
    let turns = 0;
    const timer = setInterval(() => (turns += 1));
    const nodes = Array.from({ length: 40 }, (_, index) => node(`model.shop.m${index}`, 'failed', { message: 'x' }));
    await worker.ran(run('1', 'failed', 10), nodes);
    clearInterval(timer);
    expect(turns).toBeGreaterThan(4);
  });

  it('recovers a node by a warning', async () => {
    const worker = new Worker();
    await worker.ran(run('1', 'failed', 10), [node(UNIQUE)]);
    await worker.ran(run('2', 'succeeded', 20), [node(UNIQUE, 'warned')]);
    expect(worker.results.facts('node.recovered')).toHaveLength(1);
    expect(worker.results.facts('run.results').at(-1)?.results).toMatchObject({ warned: [{ uniqueId: UNIQUE }] });
  });

  it('keeps an incident of a node that a run skips or does not select', async () => {
    const worker = new Worker();
    await worker.ran(run('1', 'failed', 10), [node(UNIQUE)]);
    await worker.ran(run('2', 'failed', 20), [node(UNIQUE, 'skipped'), node(ORDERS)]);
    await worker.ran(run('3', 'succeeded', 30), [node(ORDERS, 'succeeded')]);
    expect(worker.results.facts('node.recovered').map(({ node: one }) => one?.uniqueId)).toEqual([ORDERS]);
    const [states] = worker.results.states.values();
    expect(states?.get(UNIQUE)).toMatchObject({ incident: { failures: 1 }, history: [{ runId: '1' }, { runId: '2' }] });
  });

  it('compares nodes of one target only', async () => {
    const worker = new Worker();
    await worker.ran(run('1', 'failed', 10), [node(UNIQUE)], { target: 'prod' });
    await worker.ran(run('2', 'succeeded', 20), [node(UNIQUE, 'succeeded')], { target: 'dev' });
    expect(worker.results.facts('node.recovered')).toEqual([]);
    await worker.ran(run('3', 'succeeded', 30), [node(UNIQUE, 'succeeded')], { target: 'prod' });
    expect(worker.results.facts('node.recovered')).toHaveLength(1);
  });

  it('uses the environment that the job has run in before', async () => {
    const worker = new Worker([ALL], () => Promise.resolve({ environment: { id: '6' } }));
    const { environment: _, ...without } = run('1', 'failed', 10);
    await worker.ran(without, [node(UNIQUE)]);
    await worker.ran(run('2', 'succeeded', 20), [node(UNIQUE, 'succeeded')]);
    expect(worker.results.facts('node.recovered')).toHaveLength(1);
  });

  it('opens no incident for an isolated run', async () => {
    const worker = new Worker([{ ...ALL, includeIsolated: true }]);
    await worker.ran(run('1', 'failed', 10), [node(UNIQUE)], { isIsolated: true });
    expect(worker.results.facts('node.failed')).toMatchObject([{ isolated: true, firstFailure: false, late: false }]);
    expect(worker.results.facts('node.failed')[0]).not.toHaveProperty('incident');
    expect(worker.results.facts('run.results')).toMatchObject([{ isolated: true }]);
    expect(worker.results.states.size).toBe(0);
    await worker.ran(run('2', 'failed', 20), [node(UNIQUE)]);
    expect(worker.results.facts('node.failed')[1]).toMatchObject({ isolated: false, firstFailure: true });
  });

  it('flags a failure as late if a later success was saved before', async () => {
    const worker = new Worker();
    await worker.ran(run('2', 'succeeded', 20), [node(UNIQUE, 'succeeded')]);
    await worker.ran(run('1', 'failed', 10), [node(UNIQUE)]);
    expect(worker.results.facts('node.failed')).toMatchObject([{ late: true, firstFailure: false }]);
  });

  it.each([
    ['succeeded', 'nothing-ran'],
    ['failed', 'not-written'],
    ['failed', 'unreadable'],
  ] as const)('gives the reason why a run that %s has no results: %s', async (status, reason) => {
    const worker = new Worker();
    worker.answers.set('1', { state: 'missing', reason, isIsolated: false });
    await worker.complete(run('1', status, 10));
    expect(worker.results.facts('run.results')).toMatchObject([
      { results: { state: 'missing', reason }, isolated: false },
    ]);
  });

  it('does not ask for results of a canceled run', async () => {
    const worker = new Worker();
    await worker.complete(run('1', 'canceled', 10));
    expect(worker.results.facts('run.results')).toMatchObject([{ results: { state: 'missing', reason: 'canceled' } }]);
    expect(worker.reads).toEqual([]);
  });

  it('lists 200 nodes in the event and counts the others', async () => {
    const worker = new Worker();
    const nodes = Array.from({ length: 250 }, (_, index) =>
      node(`test.shop.t${index}`, index < 220 ? 'failed' : 'warned'),
    );
    await worker.ran(run('1', 'failed', 10), nodes);
    const [facts] = worker.results.facts('run.results');
    expect(facts?.results).toMatchObject({ warned: [], omitted: 50, counts: { failed: 220, warned: 30 } });
    expect(facts?.results?.state === 'available' && facts.results.failed).toHaveLength(200);
    expect(worker.results.facts('node.failed')).toHaveLength(220);
  });

  it('ends without another read if the results are recorded', async () => {
    const worker = new Worker();
    await worker.ran(run('1', 'failed', 10), [node(UNIQUE)]);
    worker.results.calls.length = 0;
    await worker.complete(run('1', 'failed', 10));
    expect(worker.reads).toEqual(['1']);
    expect(worker.results.calls).toEqual(['find']);
  });

  it.each([true, false])(
    'reports each of 5,000 failed nodes once, although the process ends again and again (last call committed: %s)',
    async (isCommitted) => {
      const worker = new Worker();
      const nodes = Array.from({ length: 5_000 }, (_, index) => node(`test.shop.t${index}`));
      worker.answers.set('1', reading([...nodes, node(ORDERS, 'succeeded')]));
      const { results } = worker;
      let attempts = 0;
      for (let isOver = false; !isOver && attempts < 200; attempts++) {
        // The first step takes three calls, and the last one seven with those before it.
        results.callsLeft = 4 + (attempts % 5);
        results.isCommitted = isCommitted;
        isOver = await worker.complete(run('1', 'failed', 10)).then(
          () => true,
          () => false,
        );
      }
      expect(attempts).toBeGreaterThan(10);
      expect(new Set(results.events.map(({ id }) => id)).size).toBe(5_001);
      expect(results.events).toHaveLength(5_001);
      expect(results.facts('node.failed').every(({ firstFailure }) => firstFailure)).toBe(true);
      expect(worker.reads).toHaveLength(1);
    },
  );

  it('ends the attempt if its claim was lost', async () => {
    const worker = new Worker();
    worker.results.lease = 'that of another worker';
    await expect(worker.ran(run('1', 'failed', 10), [node(UNIQUE)])).rejects.toThrow(LeaseLostError);
    expect(worker.results.events).toEqual([]);
  });

  it('stops between two steps if its signal is aborted', async () => {
    const worker = new Worker();
    const controller = new AbortController();
    worker.answers.set('1', reading([node(UNIQUE)]));
    controller.abort(new Error('shutdown'));
    await expect(worker.complete(run('1', 'failed', 10), { signal: controller.signal })).rejects.toThrow('shutdown');
    expect(worker.results.saved.size).toBe(0);
  });

  it('hands node events off to handlers of other processes, one task for each step and version', async () => {
    const worker = new Worker();
    worker.results.otherHandlers = ['new@0123456789ab', 'runhooks.results:dbt@0123456789ab'];
    const nodes = Array.from({ length: 201 }, (_, index) => node(`test.shop.t${index}`, 'failed', { message: 'text' }));
    await worker.ran(run('1', 'failed', 10), nodes);
    const { tasks } = worker.results;
    expect(tasks.map(({ handlerId }) => handlerId)).toEqual(Array(3).fill('new@0123456789ab'));
    expect(new Set(tasks.map(({ id }) => id)).size).toBe(3);
    const handedOff = JSON.parse(tasks[0]?.data ?? '') as { readonly events: object[] };
    expect(handedOff.events).toHaveLength(200);
    expect(handedOff.events[0]).toEqual({
      id: 'node.failed:dbt/4/1/test.shop.t0',
      type: 'node.failed',
      late: false,
      node: nodeNameOf('test.shop.t0'),
      isolated: false,
    });
    expect(JSON.parse(tasks[2]?.data ?? '')).toMatchObject({ events: [{ id: 'run.results:dbt/4/1' }] });
  });
});

describe('unread results', () => {
  it('does not read a success that no handler of run.results asks for', async () => {
    const worker = new Worker([NODES]);
    await worker.ran(run('1', 'succeeded', 10), [node(UNIQUE, 'succeeded')]);
    expect(worker.reads).toEqual([]);
    expect(worker.results.events).toEqual([]);
    expect(worker.results.calls).toEqual(['find', 'save']);
  });

  it.each(['prod', undefined])('reads a success while a node of its place fails (target %s)', async (target) => {
    const worker = new Worker([NODES]);
    const setting = target === undefined ? {} : { target };
    await worker.ran(run('1', 'failed', 10), [node(UNIQUE)], setting);
    await worker.ran(run('2', 'succeeded', 20), [node(UNIQUE, 'succeeded')], setting);
    expect(worker.results.facts('node.recovered')).toMatchObject([{ run: { id: '2' } }]);
    await worker.ran(run('3', 'succeeded', 30), [node(UNIQUE, 'succeeded')], setting);
    expect(worker.reads).toEqual(['1', '2']);
  });

  it('reads a success if handlers of other processes may ask for it', async () => {
    const worker = new Worker([NODES]);
    worker.results.otherHandlers = ['new@0123456789ab'];
    await worker.ran(run('1', 'succeeded', 10), [node(UNIQUE, 'succeeded')]);
    expect(worker.reads).toEqual(['1']);
  });

  it('asks for later successes if an older run opens an incident, and recovers by them', async () => {
    const worker = new Worker([NODES]);
    await worker.ran(run('0', 'succeeded', 0), [node(UNIQUE, 'succeeded')]);
    await worker.ran(run('2', 'succeeded', 20), [node(UNIQUE, 'succeeded')]);
    await worker.ran(run('1', 'failed', 10), [node(UNIQUE)], { target: 'prod' });
    expect(worker.reads).toEqual(['1']);
    expect(
      worker.results.added.map(({ replayId, events }) => [replayId, events.map(({ eventId }) => eventId)]),
    ).toEqual([['results:1', [runEventId('run.completed', { source: 'dbt', accountId: '4', runId: '2' })]]]);
    worker.answers.set('2', reading([node(UNIQUE, 'succeeded')], { target: 'prod' }));
    await worker.complete(run('2', 'succeeded', 20));
    expect(worker.results.facts('node.recovered')).toMatchObject([{ run: { id: '2' } }]);
  });
});

describe('waiting for results', () => {
  const failure = { asked: 'dbt Cloud: get artifact', found: 'status 503', todo: 'Try later' };

  it.each<ProviderApiErrorReason>(['unavailable', 'timeout', 'invalid-answer', 'rate-limited'])(
    'waits after a call that failed with %s, ever longer, and warns once',
    async (reason) => {
      const worker = new Worker();
      worker.answers.set('1', new ProviderApiError({ ...failure, reason }));
      const waitingSince = new Date(worker.now);
      const delayMs = async () => {
        const failed = worker.complete(run('1', 'failed', 10), { waitingSince });
        const thrown: unknown = await failed.catch((error: unknown) => error);
        expect(thrown).toBeInstanceOf(WaitingError);
        return (thrown as WaitingError).delayMs;
      };
      const first = await delayMs();
      worker.now += 2 * first;
      const second = await delayMs();
      worker.now += DAY_MS;
      expect([first, second, await delayMs()]).toEqual([
        LIMITS.resultsDelayMs,
        2 * LIMITS.resultsDelayMs,
        LIMITS.resultsDelayMsMax,
      ]);
      expect(worker.lines).toEqual([
        expect.stringMatching(/^warn Results of runs of source "dbt" are unavailable: .* status 503/),
      ]);
      worker.answers.delete('1');
      await worker.complete(run('1', 'failed', 10));
      expect(worker.lines.at(-1)).toBe('log Results of runs of source "dbt" are available again');
    },
  );

  it('waits as long as a cooldown, or as results that are not ready, ask for', async () => {
    const worker = new Worker();
    const at = new Date(worker.now);
    for (const error of [
      new ProviderCooldownError(failure, new Date(worker.now + 77_000), at),
      new ResultsNotReadyError(77_000, 'the files of run 1 are not there yet'),
    ]) {
      worker.answers.set('1', error);
      await expect(worker.complete(run('1', 'failed', 10))).rejects.toMatchObject({
        name: 'WaitingError',
        delayMs: 77_000,
        message: error.message,
      });
    }
  });

  it('gives up after seven days of waiting, however old the run is', async () => {
    const worker = new Worker();
    worker.answers.set('1', new ProviderApiError({ ...failure, reason: 'unavailable' }));
    worker.now = NOW + DAY_MS + LIMITS.apiWaitMs;
    await expect(worker.complete(run('1', 'failed', 10))).rejects.toThrow(WaitingError);
    const waitingSince = new Date(worker.now);
    worker.now += LIMITS.apiWaitMs - 1;
    await expect(worker.complete(run('1', 'failed', 10), { waitingSince })).rejects.toThrow(WaitingError);
    worker.now += 1;
    await worker.complete(run('1', 'failed', 10), { waitingSince });
    expect(worker.results.facts('run.results')).toMatchObject([
      { results: { state: 'missing', reason: 'unavailable' } },
    ]);
  });

  it.each<ProviderApiErrorReason>(['unauthorized', 'forbidden', 'no-token', 'refused', 'invalid-request'])(
    'makes the delivery a dead letter after %s, with the remedy',
    async (reason) => {
      const worker = new Worker();
      worker.answers.set('1', new ProviderApiError({ ...failure, reason, todo: 'Set another token' }));
      const failed = worker.complete(run('1', 'failed', 10));
      await expect(failed).rejects.toThrow(PermanentError);
      await expect(failed).rejects.toThrow(/run 1 cannot be read: .* Set another token$/);
    },
  );

  it('records that a run that the API does not find has no results, and warns once until it finds one', async () => {
    const worker = new Worker();
    const todo = 'Check that the token can read the run';
    for (const id of ['1', '2', '4'])
      worker.answers.set(id, new ProviderApiError({ ...failure, reason: 'not-found', todo }));
    worker.answers.set('3', reading([node(UNIQUE, 'succeeded')]));
    for (const id of ['1', '2', '3', '4']) await worker.complete(run(id, 'failed', 10));
    expect(worker.results.facts('run.results').map(({ results }) => results)).toMatchObject([
      { state: 'missing', reason: 'not-written' },
      { state: 'missing', reason: 'not-written' },
      { state: 'available' },
      { state: 'missing', reason: 'not-written' },
    ]);
    const warning = expect.stringMatching(/^warn A run of source "dbt" has no results.* can read the run/);
    expect(worker.lines).toEqual([warning, warning]);
  });

  it('passes any other error on, so that the delivery is retried', async () => {
    const worker = new Worker();
    worker.answers.set('1', new TypeError('a fault'));
    await expect(worker.complete(run('1', 'failed', 10))).rejects.toThrow(TypeError);
  });
});
