import { createHash } from 'node:crypto';
import type {
  ActionStore,
  NewAction,
  NewEvent,
  NodesStep,
  NodeState,
  Recording,
  ReportedMessage,
  ResultStore,
  RoundStore,
  Settlement,
  Store,
} from 'nestjs-runhooks/core';
import { decided } from '../decided.js';

/** One transaction of a store. Calls made at the same time share its commit. */
export interface StoreOperation {
  readonly title: string;
  run(store: Store): Promise<unknown>;
}

const START = Date.UTC(2026, 0, 1);
const DAY = 86_400_000;
const LEASE_MS = 1_000;
const HANDLERS = ['a', 'b', 'dead-letters'];

const at = (ms: number): Date => new Date(START + ms);
const idAt = (prefix: string, ms: number): string => `${prefix}_${(START + ms).toString(16).padStart(12, '0')}0000`;

function append(store: Store, number: number, copyOf = number): Promise<unknown> {
  const body = Buffer.from(`body ${copyOf}`);
  return store.append({
    id: idAt('msg', number),
    source: 'source',
    provider: 'provider',
    messageKey: `key ${copyOf % 2}`,
    digest: createHash('sha256').update(body).digest(),
    headers: { 'x-number': `${number}` },
    body,
    receivedAt: at(number),
  });
}

function event(type: string, number: number, handlers: readonly string[] = ['a', 'b']): NewEvent {
  const deliveries = handlers.map((handlerId, index) => ({
    id: idAt('dlv', 10 * number + index),
    handlerId,
    lane: `${handlerId} lane`,
  }));
  return { id: `${type}:source/1/1`, type, occurredAt: at(0), data: '{}', deliveries };
}

function parsed(number: number, lease: string, events: readonly NewEvent[]): Recording {
  return {
    messageId: idAt('msg', number),
    lease,
    state: 'parsed',
    messageType: 'type',
    handlers: ['a@1'],
    run: { source: 'source', accountId: '1', runId: '1' },
    decide: (known) => ({
      run: { jobKey: 'job', contradicted: false, types: [...(known.run?.types ?? []), 'run.started'] },
      events,
    }),
  };
}

function settle(
  store: Store,
  delivery: number,
  lease: string,
  next: Settlement['next'],
  ms = 0,
  events: readonly NewEvent[] = [],
): Promise<unknown> {
  const times = { startedAt: at(ms), finishedAt: at(ms + 5) };
  const error = { name: 'Error', message: 'no', stack: '' };
  const { state } = next;
  const attempt =
    state === 'succeeded' || state === 'skipped'
      ? { ...times, outcome: state }
      : { ...times, outcome: 'failed' as const, error };
  const settlement = { deliveryId: idAt('dlv', delivery), lease, attempt, next };
  return store.record([{ ...settlement, decide: () => ({ events }) }], at(ms));
}

const claim = (ms: number, lease: string, limit = 10) => ({ now: at(ms), leaseMs: LEASE_MS, limit, lease });

/** Every verb of a store, from the first message to the last purge, with fixed ids and times. */
const HELD = { source: 'source', kind: 'ended', lease: 'round.1' };

/** The steps of a round, of which each takes one transaction. */
const ROUND_OPERATIONS: readonly StoreOperation[] = [
  {
    title: 'registering rounds',
    run: (store) => roundsOf(store).register([{ source: 'source', kinds: ['ended', 'open'] }], at(0)),
  },
  {
    title: 'claiming a round',
    run: (store) =>
      roundsOf(store).claim({
        ...HELD,
        rounds: [{ kind: 'ended', latestDueAt: at(DAY) }],
        now: at(0),
        leaseMs: LEASE_MS,
      }),
  },
  {
    title: 'renewing a round with its cursor',
    run: (store) => roundsOf(store).renew(HELD, { now: at(0), leaseMs: LEASE_MS, cursor: 'page 2' }),
  },
  {
    title: 'appending messages that a round found',
    run: (store) => roundsOf(store).appendReported([5, 6].map(reportedMessage)),
  },
  {
    title: 'adding facts to a run',
    run: (store) =>
      roundsOf(store).addFacts([
        {
          run: { source: 'source', accountId: '1', runId: '1' },
          facts: { job: { key: 'job' }, trigger: { kind: 'manual' } },
        },
      ]),
  },
  { title: 'cooling an account down', run: (store) => roundsOf(store).coolDown('host', '1', at(1)) },
  {
    title: 'settling a round',
    run: (store) => roundsOf(store).settle(HELD, { dueAt: at(DAY), failures: 1, lastError: 'Error: no' }),
  },
  {
    title: 'making rounds due',
    run: (store) => roundsOf(store).hasten({ kind: 'ended' }, decided({ id: 'sweep' }), at(1_000)),
  },
];

function roundsOf({ rounds }: Store): RoundStore {
  if (!rounds) throw new Error('the store keeps no rounds');
  return rounds;
}

function reportedMessage(number: number): ReportedMessage {
  const messageKey = `api:1/${number}:running`;
  return {
    id: idAt('msg', number),
    source: 'source',
    provider: 'provider',
    messageKey,
    digest: createHash('sha256').update(messageKey).digest(),
    headers: {},
    body: Buffer.from('{}'),
    receivedAt: at(number),
    history: false,
  };
}

const READER = { id: idAt('dlv', 900), lease: 'read-1' };
const RUN = { source: 'source', accountId: '1', runId: '1' };
const SCOPE = { source: 'source', scope: '{"accountId":"1"}' };
const FAILED_RUN = { accountId: '1', runId: '1', finishedAt: at(0) };
const NODE = 'model.shop.orders';
const NODE_STATE: NodeState = {
  incident: { openedAt: at(0), latestFailureAt: at(0), failures: 1, runs: [FAILED_RUN] },
  history: [{ ...FAILED_RUN, outcome: 'failed', status: 'error' }],
  observedAt: at(3_420),
};
const STEP: NodesStep = {
  run: RUN,
  scope: SCOPE.scope,
  from: 0,
  to: 1,
  nodeIds: [NODE],
  handlers: ['a@1'],
  decide: () => ({ nodes: new Map([[NODE, NODE_STATE]]), events: [event('node.failed', 91)], tasks: [] }),
};
const NO_NODES = { total: 0, succeeded: 0, warned: 0, failed: 0, skipped: 0, unknown: 0 };

/** The reading of a run's results, of which each step takes one transaction. */
const RESULTS_OPERATIONS: readonly StoreOperation[] = [
  {
    title: 'replaying an event to the handler that reads results',
    run: (store) => {
      const deliveries = [{ id: READER.id, handlerId: 'reader' }];
      const events = [{ eventId: 'run.failed:source/1/1', deliveries }];
      return store.replay('results', events, decided({ id: 'replay results' }), at(3_410));
    },
  },
  {
    title: 'claiming its delivery',
    run: (store) => store.claimDeliveries({ ...claim(3_410, 'read-0'), handlerIds: ['reader'] }),
  },
  {
    title: 'waiting for results',
    run: (store) =>
      settle(store, 900, 'read-0', { state: 'pending', dueAt: at(3_420), waitingFor: 'results of run 1' }, 3_411),
  },
  {
    title: 'claiming its delivery again',
    run: (store) => store.claimDeliveries({ ...claim(3_420, READER.lease), handlerIds: ['reader'] }),
  },
  {
    title: 'saving results',
    run: (store) => {
      const node = { uniqueId: NODE, kind: 'model', name: 'orders', outcome: 'failed', status: 'error' } as const;
      const counts = { counts: NO_NODES, kinds: {}, statuses: {}, unreadableRows: 0, missingSteps: [] };
      const content = { state: 'available', counts, failing: [node], good: [], skipped: [] } as const;
      return resultsOf(store).save(READER, { run: RUN, finishedAt: at(0), scope: SCOPE.scope, content }, at(3_420));
    },
  },
  { title: 'recording nodes', run: (store) => resultsOf(store).recordNodes(READER, STEP, at(3_420)) },
  {
    title: 'ending the recording of nodes',
    run: (store) => resultsOf(store).recordNodes(READER, { ...STEP, from: 1, isLast: true }, at(3_421)),
  },
  {
    title: 'adding deliveries of an event',
    run: (store) => {
      const deliveries = [{ id: idAt('dlv', 920), handlerId: 'reader' }];
      return resultsOf(store).addDeliveries(
        READER,
        'late results',
        [{ eventId: 'run.started:source/1/1', deliveries }],
        at(3_422),
      );
    },
  },
  { title: 'settling its delivery', run: (store) => settle(store, 900, READER.lease, { state: 'succeeded' }, 3_430) },
  {
    title: 'closing the incident of a node',
    run: (store) => resultsOf(store).closeIncident({ ...SCOPE, nodeId: NODE }, decided({ id: 'close' }), at(3_440)),
  },
];

function resultsOf({ results }: Store): ResultStore {
  if (!results) throw new Error('the store keeps no results');
  return results;
}

const DELIVERY = idAt('dlv', 10);
const RETRY: NewAction = {
  source: 'source',
  key: DELIVERY,
  kind: 'retry',
  target: '1',
  accountId: '1',
  mark: 'runhooks:retry',
  request: '{"cause":"no"}',
  retriesMax: 1,
};
const TRIGGER: NewAction = {
  source: 'source',
  key: 'by hand',
  kind: 'trigger',
  target: 'job',
  mark: 'runhooks:trigger',
  request: '{}',
};

const claimOfAction = (ms: number, lease: string) => ({
  now: at(ms),
  leaseMs: LEASE_MS,
  lease,
  latestDueAt: at(DAY),
});

/** An action whose first answer is lost, and one that a webhook answers, of which each step takes one transaction. */
const ACTION_OPERATIONS: readonly StoreOperation[] = [
  { title: 'beginning an action', run: (store) => actionsOf(store).begin(RETRY, claimOfAction(3_450, 'act-1')) },
  {
    title: 'sending it',
    run: (store) =>
      actionsOf(store).advance({ ...RETRY, lease: 'act-1' }, { state: 'sent', leaseMs: LEASE_MS }, at(3_451)),
  },
  {
    title: 'waiting for a look-up',
    run: (store) =>
      actionsOf(store).advance({ ...RETRY, lease: 'act-1' }, { state: 'sent', dueAt: at(3_460), looks: 1 }, at(3_452)),
  },
  { title: 'claiming it again', run: (store) => actionsOf(store).begin(RETRY, claimOfAction(3_460, 'act-2')) },
  {
    title: 'answering it with a new run',
    run: (store) => {
      const runs = [{ runId: '2', accountId: '1', url: 'a page' }];
      return actionsOf(store).answer({ ...RETRY, lease: 'act-2' }, runs, at(3_461));
    },
  },
  { title: 'beginning a trigger', run: (store) => actionsOf(store).begin(TRIGGER, claimOfAction(3_462, 'act-3')) },
  {
    title: 'refusing it',
    run: (store) => {
      const refusal = { reason: 'other', message: 'no' } as const;
      return actionsOf(store).advance({ ...TRIGGER, lease: 'act-3' }, { state: 'refused', refusal }, at(3_463));
    },
  },
  {
    title: 'setting it back',
    run: (store) => actionsOf(store).decide(TRIGGER, { outcome: 'not-done' }, decided({ id: 'decide' }), at(3_464)),
  },
  { title: 'appending a message about its run', run: (store) => append(store, 7) },
  {
    title: 'claiming that message',
    run: (store) => store.claimMessages({ ...claim(3_465, 'parse-3'), sources: ['source'] }),
  },
  {
    title: 'answering it by the mark of that run',
    run: (store) => {
      const recording = parsed(7, 'parse-3', []);
      const decide = () => ({ events: [], actionMark: TRIGGER.mark });
      return store.record([{ ...recording, run: { ...RUN, runId: '3' }, decide }], at(3_466));
    },
  },
];

function actionsOf({ actions }: Store): ActionStore {
  if (!actions) throw new Error('the store keeps no actions');
  return actions;
}

export const OPERATIONS: readonly StoreOperation[] = [
  {
    title: 'registering a process',
    run: (store) =>
      store.register(
        {
          processId: 'process',
          role: 'both',
          label: 'host 1',
          startedAt: at(0),
          handlers: ['a', 'b'].map((id) => ({ id, version: `${id}@1`, subscriptions: '[]' })),
          lapsedBefore: at(-1),
          abandoned: [],
          missingBefore: at(-1),
          scope: { sources: ['source'], handlerIds: HANDLERS, taskHandlerIds: HANDLERS },
        },
        at(0),
      ),
  },
  {
    title: 'appending two messages and a copy at once',
    run: (store) => together([append(store, 1), append(store, 2, 1), append(store, 3)]),
  },
  { title: 'appending another message', run: (store) => append(store, 4) },
  {
    title: 'claiming messages',
    run: (store) => store.claimMessages({ ...claim(10, 'parse-1'), sources: ['source'] }),
  },
  {
    title: 'recording two parsed messages and a quarantined one',
    run: (store) =>
      store.record(
        [
          parsed(1, 'parse-1', [event('run.started', 1)]),
          parsed(3, 'parse-1', [event('run.started', 2), event('run.failed', 3)]),
          {
            messageId: idAt('msg', 4),
            lease: 'parse-1',
            state: 'quarantined',
            reason: 'no',
            decide: () => ({ events: [] }),
          },
        ],
        at(11),
      ),
  },
  {
    title: 'claiming deliveries',
    run: (store) => store.claimDeliveries({ ...claim(20, 'run-1'), handlerIds: HANDLERS }),
  },
  {
    title: 'renewing leases',
    run: (store) =>
      store.renew(
        [10, 11].map((number) => ({ id: idAt('dlv', number), lease: 'run-1' })),
        { now: at(500), leaseMs: LEASE_MS },
      ),
  },
  {
    title: 'recording a success and a failure with a retry',
    run: (store) =>
      together([
        settle(store, 10, 'run-1', { state: 'succeeded' }, 600),
        settle(store, 11, 'run-1', { state: 'pending', dueAt: at(700) }, 600),
      ]),
  },
  {
    title: 'claiming due deliveries',
    run: (store) => store.claimDeliveries({ ...claim(800, 'run-2'), handlerIds: HANDLERS }),
  },
  {
    title: 'recording a skipped delivery and a dead letter',
    run: (store) =>
      together([
        settle(store, 30, 'run-2', { state: 'skipped' }, 900),
        settle(store, 11, 'run-2', { state: 'dead' }, 900, [event('delivery.dead', 5, ['dead-letters'])]),
      ]),
  },
  { title: 'redriving the dead letter', run: (store) => store.redrive({}, decided({ id: 'redrive' }), at(1_000)) },
  {
    title: 'replaying an event',
    run: (store) =>
      store.replay(
        'again',
        [{ eventId: 'run.failed:source/1/1', deliveries: event('run.failed', 6).deliveries }],
        decided({ id: 'replay' }),
        at(1_100),
      ),
  },
  {
    title: 'reparsing the quarantined message',
    run: (store) =>
      store.reparse({ states: ['quarantined'], withoutHandlers: false }, decided({ id: 'reparse' }), at(1_200)),
  },
  {
    title: 'claiming the reparsed message',
    run: (store) => store.claimMessages({ ...claim(1_300, 'parse-2'), sources: ['source'] }),
  },
  {
    title: 'recording the reparsed message',
    run: (store) => store.record([parsed(4, 'parse-2', [event('run.completed', 7)])], at(1_310)),
  },
  {
    title: 'dismissing one replayed delivery',
    run: (store) => store.dismiss({ deliveryIds: [idAt('dlv', 61)] }, decided({ id: 'dismiss one' }), at(1_350)),
  },
  {
    title: 'dismissing all deliveries of a missing handler',
    run: (store) => store.dismiss({ handlerId: 'dead-letters' }, decided({ id: 'dismiss all' }), at(1_360)),
  },
  ...[1_400, 2_400, 3_400].flatMap((ms, index): StoreOperation[] => [
    {
      title: `claiming the first of each lane, round ${index + 1}`,
      run: (store) => store.claimDeliveries({ ...claim(ms, `run-${index + 3}`), handlerIds: HANDLERS }),
    },
    {
      title: `recording their success, round ${index + 1}`,
      run: (store) =>
        together(
          [10, 11, 30, 31, 50, 60, 61, 70, 71].map((number) =>
            settle(store, number, `run-${index + 3}`, { state: 'succeeded' }, ms + 1),
          ),
        ),
    },
  ]),
  ...RESULTS_OPERATIONS,
  ...ACTION_OPERATIONS,
  {
    title: 'erasing a message',
    run: (store) =>
      store.erase(
        { messageIds: [idAt('msg', 1)], eventIds: [], runs: [], texts: ['nowhere'] },
        decided({ id: 'erase' }),
        at(3_500),
      ),
  },
  ...ROUND_OPERATIONS,
  { title: 'deregistering the process', run: (store) => store.deregister('process') },
  {
    title: 'purging everything',
    run: (store) =>
      store.purge({
        finishedBefore: at(DAY),
        deadBefore: at(DAY),
        deduplicationBefore: at(DAY),
        goodBefore: at(DAY),
        nodesBefore: at(DAY),
        tasksBefore: at(DAY),
        limit: 10,
      }),
  },
];

/** Read-only calls. */
export const QUERIES: readonly StoreOperation[] = [
  { title: 'counts', run: (store) => store.counts() },
  {
    title: 'next due',
    run: (store) => store.nextDueAt({ sources: ['source'], handlerIds: HANDLERS, taskHandlerIds: HANDLERS }),
  },
  { title: 'messages', run: (store) => store.messages({}, {}) },
  { title: 'one message', run: (store) => store.message(idAt('msg', 1)) },
  { title: 'decisions of operators', run: (store) => store.audit({}) },
  { title: 'messages that contain a string', run: (store) => store.messagesHolding(['body'], {}) },
  { title: 'events', run: (store) => store.events({ source: 'source' }, {}) },
  { title: 'deliveries', run: (store) => store.deliveries({ state: 'dead' }, {}) },
  { title: 'processes', run: (store) => store.processes(at(0)) },
  { title: 'rounds', run: (store) => roundsOf(store).list() },
  { title: 'a cooldown', run: (store) => roundsOf(store).cooldownUntil('host', '1') },
  { title: 'open runs', run: (store) => roundsOf(store).openRuns('source', 10) },
  {
    title: 'phases that the inbox lacks',
    run: (store) =>
      roundsOf(store).lacking('source', [
        { accountId: '1', runId: '1', phase: 'running', messageKey: 'api:1/1:running' },
      ]),
  },
  { title: 'results', run: (store) => resultsOf(store).find(RUN) },
  { title: 'failed nodes of a run', run: (store) => resultsOf(store).failing(RUN, 0, 10) },
  { title: 'ids of nodes', run: (store) => resultsOf(store).trackedNodes(SCOPE) },
  { title: 'unread results', run: (store) => resultsOf(store).unreadAfter(SCOPE, at(0), {}) },
  { title: 'an open incident', run: (store) => resultsOf(store).hasIncident(SCOPE, at(0)) },
  { title: 'an action', run: (store) => actionsOf(store).find(RETRY) },
  { title: 'actions of a run', run: (store) => actionsOf(store).list({ run: RUN }, {}) },
  { title: 'nodes', run: (store) => resultsOf(store).nodes({}, {}, at(0)) },
  { title: 'missing handlers', run: (store) => store.missingHandlers(at(0)) },
  { title: 'attempts', run: (store) => store.attempts(idAt('dlv', 10)) },
];

/** Settles when all calls have settled, and rejects if any call rejected. */
async function together(calls: readonly Promise<unknown>[]): Promise<unknown> {
  await Promise.allSettled(calls);
  return Promise.all(calls);
}
