import { createHash } from 'node:crypto';
import type {
  Held,
  NewAction,
  NewMessage,
  NewResults,
  Registration,
  ResultStore,
  RunDecision,
  Store,
} from 'nestjs-runhooks/core';

/** Number of messages in a large inbox, each with an event and a delivery. */
export const ROWS = 1_000_000;
/** One in this number of rows is unfinished. */
export const OPEN_EVERY = 500;
export const NOW = new Date('2026-01-31T00:00:00Z');
export const START_MS = NOW.getTime() - ROWS * 1_000;
const LEASE_MS = 30_000;
const HANDLERS = ['plain', 'laned'];

export function newMessage(key: string): NewMessage {
  return {
    id: `msg_${NOW.getTime().toString(16).padStart(12, '0')}0000${key.padStart(16, '0')}`,
    source: 'dbt',
    provider: 'dbt-cloud',
    messageKey: key,
    digest: createHash('sha256').update(key).digest(),
    headers: {},
    body: Buffer.from('{}'),
    receivedAt: NOW,
  };
}

export const claim = { now: NOW, leaseMs: LEASE_MS, limit: 5 };

function decision(eventId: string): RunDecision {
  return {
    run: { jobKey: 'job-1', contradicted: false, types: ['run.failed'] },
    events: [
      {
        id: eventId,
        type: 'run.failed',
        occurredAt: NOW,
        data: '{}',
        deliveries: [{ id: `dlv_of_${eventId}`, handlerId: 'laned', lane: 'laned job-1' }],
      },
    ],
  };
}

async function recordOne(store: Store): Promise<void> {
  const [message] = await store.claimMessages({ ...claim, limit: 1, lease: 'reader', sources: ['dbt'] });
  if (!message) throw new Error('there is no message to be read');
  const run = { source: 'dbt', accountId: '1', runId: '7' };
  const job = { source: 'dbt', jobKey: 'job-1' };
  const recording = { messageId: message.id, lease: 'reader', state: 'parsed', run, job, handlers: HANDLERS } as const;
  await store.record([{ ...recording, decide: () => decision(`run.failed:${message.id}`) }], NOW);
}

async function settleOne(store: Store): Promise<void> {
  const [delivery] = await store.claimDeliveries({ ...claim, limit: 1, lease: 'runner', handlerIds: HANDLERS });
  if (!delivery) throw new Error('there is no delivery to be run');
  const attempt = { startedAt: NOW, finishedAt: NOW, outcome: 'succeeded' } as const;
  await store.renew([{ id: delivery.id, lease: 'runner' }], claim);
  await store.record([{ deliveryId: delivery.id, lease: 'runner', attempt, next: { state: 'succeeded' } }], NOW);
}

async function taskOne(store: Store): Promise<void> {
  const [task] = await store.claimTasks({ ...claim, limit: 1, lease: 'doer', handlerIds: HANDLERS });
  if (!task) throw new Error('there is no task to be done');
  const question = {
    run: { source: 'dbt', accountId: '1', runId: '7' },
    durationsOf: { source: 'dbt', jobKey: 'job-1', runsMax: 100 },
    barrier: 'plain',
  };
  const deliveries = [{ eventId: 'run.failed:dbt/1/7', deliveries: [{ id: 'dlv_added', handlerId: 'added' }] }];
  const decide = () => ({ events: [], deliveries, barrier: '{}' });
  await store.evaluate({ taskId: task.id, lease: 'doer', question, decide }, NOW);
}

const SCOPE = { source: 'dbt', scope: '{"accountId":"7"}' };
const NODE = { uniqueId: 'model.one', kind: 'model', name: 'one', outcome: 'failed', status: 'error' } as const;

/** Claims a delivery and runs a step in its name. */
async function inTheNameOfOne(store: Store, step: (results: ResultStore, held: Held) => Promise<unknown>) {
  const claimed = await store.claimDeliveries({ ...claim, limit: 1, lease: 'results', handlerIds: HANDLERS });
  const [held] = claimed;
  if (!store.results || !held) throw new Error('there are no results, or no delivery');
  await step(store.results, held);
}

function newResults(runId: string, content: NewResults['content']): NewResults {
  const run = { source: 'dbt', accountId: '1', runId };
  return { run, finishedAt: new Date(START_MS + 1_000), scope: SCOPE.scope, content };
}

async function recordResults(results: ResultStore, held: Held): Promise<void> {
  const counts = { kinds: {}, statuses: {}, unreadableRows: 0, missingSteps: [] };
  const of = { total: 1, succeeded: 0, warned: 0, failed: 1, skipped: 0, unknown: 0 };
  const content = { state: 'available', counts: { ...counts, counts: of }, good: [], skipped: [] } as const;
  const saved = newResults('new', { ...content, failing: [NODE] });
  await results.save(held, saved, NOW);
  const nodeIds = [NODE.uniqueId];
  const nodes = new Map([[NODE.uniqueId, { history: [], observedAt: NOW }]]);
  const decide = () => ({ nodes, ...decision('node.failed:dbt/1/new/model.one'), tasks: [] });
  const step = { run: saved.run, scope: SCOPE.scope, from: 0, to: 1, nodeIds, handlers: HANDLERS, decide };
  await results.recordNodes(held, step, NOW);
}

async function saveSuccess(results: ResultStore, held: Held): Promise<void> {
  await results.save(held, newResults('success', { state: 'unread', observedSince: NOW, handlers: HANDLERS }), NOW);
}

async function readResults({ results }: Store): Promise<void> {
  if (!results) throw new Error('there are no results');
  await results.find(newResults('7', { state: 'missing', reason: 'stale' }).run);
  await results.failing({ source: 'dbt', accountId: '1', runId: '7' }, 0, 200);
  await results.trackedNodes(SCOPE);
  await results.hasIncident(SCOPE, new Date(START_MS));
}

const RETRY: NewAction = {
  source: 'dbt',
  key: 'dlv_of_retry',
  kind: 'retry',
  target: 'retried',
  accountId: '1',
  mark: 'runhooks:new',
  request: '{}',
  retriesMax: 9,
};

/** Begins a retry, sends it, looks for its run, and finds it. */
async function actOnce({ actions }: Store): Promise<void> {
  if (!actions) throw new Error('there are no actions');
  const claim = { now: NOW, leaseMs: LEASE_MS, lease: 'actor', latestDueAt: new Date(NOW.getTime() + LEASE_MS) };
  await actions.begin(RETRY, claim);
  await actions.advance({ ...RETRY, lease: 'actor' }, { state: 'sent', leaseMs: LEASE_MS }, NOW);
  await actions.advance({ ...RETRY, lease: 'actor' }, { state: 'sent', dueAt: NOW, looks: 0 }, NOW);
  await actions.begin(RETRY, { ...claim, lease: 'looker' });
  const runs = ['run 7', 'run 8', 'found'].map((runId) => ({ runId, accountId: '1' }));
  await actions.answer({ ...RETRY, lease: 'looker' }, runs, NOW);
  await actions.find(RETRY);
}

/** Records a message about a run with the mark of an action that is unknown. */
async function recordMarked(store: Store): Promise<void> {
  const [message] = await store.claimMessages({ ...claim, limit: 1, lease: 'marked', sources: ['dbt'] });
  if (!message) throw new Error('there is no message to be read');
  const run = { source: 'dbt', accountId: '1', runId: 'marked' };
  const decide = () => ({ events: [], actionMark: `runhooks:${OPEN_EVERY}` });
  await store.record([{ messageId: message.id, lease: 'marked', state: 'parsed', run, decide }], NOW);
}

const REGISTRATION: Registration = {
  processId: 'process',
  role: 'both',
  label: 'host 1',
  startedAt: NOW,
  handlers: HANDLERS.map((id) => ({ id, version: `${id}@1`, subscriptions: '[]' })),
  lapsedBefore: NOW,
  abandoned: [],
  missingBefore: new Date(0),
  scope: { sources: ['dbt'], handlerIds: HANDLERS, taskHandlerIds: HANDLERS },
};

const at = (second: number): Date => new Date(START_MS + second * 1_000);

/** All steps that run for each webhook or regularly, with the SQLite indices they must use. */
export const HOT: readonly {
  readonly title: string;
  readonly step: (store: Store) => Promise<unknown>;
  readonly indices: readonly string[];
}[] = [
  { title: 'append a message', step: (store) => store.append(newMessage('1')), indices: [] },
  {
    title: 'detect a duplicate',
    step: (store) => store.append(newMessage('1')),
    indices: ['message_keys USING PRIMARY KEY (source=? AND message_key=? AND digest=?)'],
  },
  {
    title: 'claim messages',
    step: (store) => store.claimMessages({ ...claim, lease: 'a', sources: ['dbt'] }),
    indices: ['messages_due (source=? AND due_at<?)', 'sqlite_autoindex_messages_1 (id=?)'],
  },
  {
    title: 'record parsed messages',
    step: recordOne,
    indices: [
      'sqlite_autoindex_messages_1 (id=?)',
      'earlier USING PRIMARY KEY (source=? AND message_key=?)',
      'runs USING PRIMARY KEY (source=? AND account_id=? AND run_id=?)',
      'jobs USING PRIMARY KEY (source=? AND job_key=?)',
    ],
  },
  {
    title: 'compare runs of a sweep with the inbox',
    step: async (store) => {
      const phases = ['7', '8'].map((runId) => ({
        accountId: '1',
        runId,
        phase: 'complete:10' as const,
        messageKey: `api:1/${runId}:complete:10`,
      }));
      await store.rounds?.lacking('dbt', phases);
    },
    indices: [
      'runs USING PRIMARY KEY (source=? AND account_id=? AND run_id=?)',
      'message_keys USING PRIMARY KEY (source=? AND message_key=?)',
    ],
  },
  {
    title: 'list open runs',
    step: async (store) => void (await store.rounds?.openRuns('dbt', 100)),
    indices: ['runs_open'],
  },
  {
    title: 'claim deliveries, in lanes and outside',
    step: (store) => store.claimDeliveries({ ...claim, lease: 'b', handlerIds: HANDLERS }),
    indices: [
      'deliveries_due (handler_id=? AND source>?)',
      'deliveries_due (handler_id=? AND source=? AND in_lane=? AND due_at<?)',
      'deliveries_lane (lane=? AND seq<?)',
      'deliveries_lane_held (lane=?)',
    ],
  },
  {
    title: 'query due work, in lanes and outside',
    step: (store) => store.dueDeliveries({ now: NOW, limit: 5, handlerIds: HANDLERS }),
    indices: [
      'deliveries_due (handler_id=? AND source>?)',
      'deliveries_due (handler_id=? AND source=? AND in_lane=? AND due_at<?)',
      'deliveries_lane (lane=? AND seq<?)',
      'deliveries_lane_held (lane=?)',
    ],
  },
  {
    title: 'claim one delivery by its id',
    step: (store) =>
      store.claimDeliveries({
        ...claim,
        limit: 1,
        lease: 'c',
        handlerIds: HANDLERS,
        deliveryIds: [`dlv_${'0'.repeat(30)}`],
      }),
    indices: ['SEARCH due USING INDEX sqlite_autoindex_deliveries_1 (id=?)'],
  },
  { title: 'renew and settle a delivery', step: settleOne, indices: ['sqlite_autoindex_deliveries_1 (id=?)'] },
  {
    title: 'save and record results',
    step: (store) => inTheNameOfOne(store, recordResults),
    indices: [
      'sqlite_autoindex_results_1 (source=? AND account_id=? AND run_id=?)',
      'sqlite_autoindex_nodes_1 (source=? AND scope=? AND node_id=?)',
      'results_scope (source=? AND scope=? AND finished_at>?)',
      'sqlite_autoindex_deliveries_1 (id=?)',
    ],
  },
  {
    title: 'save a success that no handler asks for',
    step: (store) => inTheNameOfOne(store, saveSuccess),
    indices: ['nodes_open_place (source=? AND place=? AND observed_at>?)'],
  },
  {
    title: 'read results',
    step: readResults,
    indices: [
      'sqlite_autoindex_result_nodes_1 (source=? AND account_id=? AND run_id=? AND part>? AND part<?)',
      'sqlite_autoindex_nodes_1 (source=? AND scope=?)',
      'nodes_open_place (source=? AND place=? AND observed_at>?)',
    ],
  },
  {
    title: 'close the incident of a node',
    step: async (store) => {
      const close = { id: 'close', by: 'me', reason: 'a reason', details: '{}' };
      await store.results?.closeIncident({ ...SCOPE, nodeId: 'model.57' }, close, NOW);
    },
    indices: ['sqlite_autoindex_nodes_1 (source=? AND scope=? AND node_id=?)'],
  },
  {
    title: 'carry out an action',
    step: actOnce,
    indices: [
      'sqlite_autoindex_actions_1 (source=? AND action_key=?)',
      'actions_new_run (source=? AND new_run=?)',
      'actions_root_run (source=? AND root_run=?)',
      'sqlite_autoindex_deliveries_1 (id=?)',
      'runs USING PRIMARY KEY (source=? AND account_id=? AND run_id=?)',
    ],
  },
  {
    title: 'record a run with the mark of an action',
    step: recordMarked,
    indices: ['actions_mark (mark=?)'],
  },
  {
    title: 'decide about an action',
    step: async (store) => {
      const decision = { id: 'decide', by: 'me', reason: 'a reason', details: '{}' };
      const action = { source: 'dbt', key: `action ${2 * OPEN_EVERY}` };
      await store.actions?.decide(action, { outcome: 'not-done' }, decision, NOW);
    },
    indices: ['sqlite_autoindex_actions_1 (source=? AND action_key=?)'],
  },
  {
    title: 'query the next due time',
    step: (store) => store.nextDueAt({ sources: ['dbt'], handlerIds: HANDLERS, taskHandlerIds: HANDLERS }),
    indices: ['messages_due', 'deliveries_due', 'tasks_due'],
  },
  {
    title: 'evaluate a task',
    step: taskOne,
    indices: [
      'tasks_due (due_at<?)',
      'sqlite_autoindex_tasks_1 (id=?)',
      'jobs USING PRIMARY KEY (source=? AND job_key=?)',
      'runs_job (source=? AND job_key=?)',
      'sqlite_autoindex_barriers_1 (name=?)',
    ],
  },
  {
    title: 'renew a registration',
    step: (store) => store.register(REGISTRATION, NOW),
    indices: ['messages_due', 'deliveries_due', 'tasks_due'],
  },
  {
    title: 'pull back work due too far ahead',
    step: (store) => store.pullBack({ now: NOW, leaseMs: 30_000, limit: 500 }),
    indices: [
      'messages USING INDEX messages_due',
      'deliveries USING INDEX deliveries_due',
      'attempts_1 (delivery_id=?',
      'tasks_due (due_at>?)',
    ],
  },
  {
    title: 'compare runs of a round',
    step: async (store) => {
      const phase = 'complete:10' as const;
      const phases = ['7', 'new'].map((runId) => ({
        accountId: '1',
        runId,
        phase,
        messageKey: `api:1/${runId}:${phase}`,
      }));
      await store.rounds?.lacking('dbt', phases);
    },
    indices: [
      'runs USING PRIMARY KEY (source=? AND account_id=? AND run_id=?)',
      'message_keys USING PRIMARY KEY (source=? AND message_key=?',
    ],
  },
  {
    title: 'find open runs',
    step: async (store) => void (await store.rounds?.openRuns('dbt', 1_000)),
    indices: ['runs_open (source=?)'],
  },
  {
    title: 'purge',
    step: (store) =>
      store.purge({
        finishedBefore: at(9_000),
        deadBefore: at(8_000),
        deduplicationBefore: at(7_000),
        goodBefore: at(6_000),
        nodesBefore: at(6_000),
        tasksBefore: at(6_000),
        limit: 200,
        brake: { now: NOW, share: 0.01, rowsMin: 20 },
      }),
    indices: [
      'sqlite_autoindex_messages_1 (id>? AND id<?)',
      'events_message (message_id=?)',
      'deliveries_once (event_id=?)',
      'attempts_1 (delivery_id=?)',
      'purged_keys USING PRIMARY KEY (message_id<?)',
      'message_keys USING PRIMARY KEY (source=? AND message_key=?',
      'events_alone (recorded_at<?)',
      'results_updated (updated_at<?)',
      'messages_run (source=? AND account_id=? AND run_id=?)',
      'results_good (updated_at<?)',
      'nodes_observed (observed_at<?)',
      'runs_updated (updated_at<?)',
      'barriers_updated (updated_at<?)',
      'tasks_due (due_at<?)',
      'tasks_message (message_id=?)',
      'actions_updated (updated_at<?)',
      'series USING PRIMARY KEY (minute>? AND minute<?)',
      'series USING INDEX series_process',
    ],
  },
];
