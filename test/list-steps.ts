import type { ActionFilter, NodeSelection, Store } from 'nestjs-runhooks/core';
import { START_MS } from './hot-steps.js';

const run = { source: 'dbt', accountId: '1', runId: '7' };
const messageId = `msg_${(START_MS + 7_000).toString(16).padStart(12, '0')}0000${'7'.padStart(16, '0')}`;
const recordedFrom = new Date(START_MS + 60_000);
const recordedBefore = new Date(START_MS + 90_000);
const page = { limit: 50 };

function nodes({ results }: Store, selection: NodeSelection, after?: string): Promise<unknown> {
  if (!results) throw new Error('there are no results');
  return results.nodes(selection, { ...page, ...(after !== undefined && { after }) }, recordedFrom);
}

function actions({ actions: store }: Store, filter: ActionFilter, after?: string): Promise<unknown> {
  if (!store) throw new Error('there are no actions');
  return store.list(filter, { ...page, ...(after !== undefined && { after }) });
}

function unread({ results }: Store, after?: string): Promise<unknown> {
  if (!results) throw new Error('there are no results');
  const scope = { source: 'dbt', scope: '{"accountId":"7"}' };
  return results.unreadAfter(scope, recordedFrom, { ...page, ...(after !== undefined && { after }) });
}

/**
 * Every list that people ask for, in the app or on a page, with the SQLite indices it must use. A list without an index
 * for its filter is read in the order of the list, so it ends once its page is full.
 */
export const LISTS: readonly {
  readonly title: string;
  readonly step: (store: Store) => Promise<unknown>;
  readonly indices: readonly string[];
}[] = [
  { title: 'messages by time', step: (store) => store.messages({}, page), indices: ['autoindex_messages_1'] },
  {
    title: 'a later page of messages',
    step: (store) => store.messages({}, { ...page, after: messageId }),
    indices: ['autoindex_messages_1 (id<?)'],
  },
  { title: 'messages by source', step: (store) => store.messages({ source: 'dbt' }, page), indices: ['messages_1'] },
  {
    title: 'messages in a rare state',
    step: (store) => store.messages({ state: 'quarantined' }, page),
    indices: ['messages_rare (state=?)'],
  },
  {
    title: 'messages of a run',
    step: (store) => store.messages({ run }, page),
    indices: ['messages_run (source=? AND account_id=? AND run_id=?)'],
  },
  { title: 'a message', step: (store) => store.message(messageId), indices: ['messages_1 (id=?)'] },
  { title: 'runs by time', step: (store) => store.runs({}, page), indices: ['runs_'] },
  { title: 'runs by source', step: (store) => store.runs({ source: 'dbt' }, page), indices: ['runs_'] },
  {
    title: 'runs of a job',
    step: (store) => store.runs({ source: 'dbt', jobKey: 'job-1' }, page),
    indices: ['runs_job (source=? AND job_key=?'],
  },
  { title: 'runs by outcome', step: (store) => store.runs({ outcome: 'failed' }, page), indices: ['runs_'] },
  {
    title: 'a run',
    step: (store) => store.run(run),
    indices: ['runs USING PRIMARY KEY (source=? AND account_id=? AND run_id=?)'],
  },
  {
    title: 'a job',
    step: (store) => store.job({ source: 'dbt', jobKey: 'job-1' }),
    indices: ['jobs USING PRIMARY KEY (source=? AND job_key=?)'],
  },
  { title: 'events by time', step: (store) => store.events({}, page), indices: ['events_recorded'] },
  {
    title: 'a later page of events',
    step: (store) => store.events({}, { ...page, after: `${START_MS + 60_000} run.failed:dbt/1/60` }),
    indices: ['events_recorded (recorded_at<?)'],
  },
  {
    title: 'events of a time',
    step: (store) => store.events({ recordedFrom, recordedBefore }, page),
    indices: ['events_recorded (recorded_at>? AND recorded_at<?)'],
  },
  {
    title: 'events by type',
    step: (store) => store.events({ type: 'run.failed' }, page),
    indices: ['events_recorded'],
  },
  { title: 'events by source', step: (store) => store.events({ source: 'dbt' }, page), indices: ['events_recorded'] },
  {
    title: 'events of a message',
    step: (store) => store.events({ messageId }, page),
    indices: ['events_message (message_id=?)'],
  },
  {
    title: 'events of a run',
    step: (store) => store.events({ run }, page),
    indices: ['events_message (message_id=?)', 'messages_run (source=? AND account_id=? AND run_id=?)'],
  },
  {
    title: 'events without a message',
    step: (store) => store.events({ withoutMessage: true }, page),
    indices: ['events_alone'],
  },
  {
    title: 'events by id',
    step: (store) => store.events({ ids: ['run.failed:dbt/1/7'] }, page),
    indices: ['autoindex_events_1 (id=?)'],
  },
  { title: 'deliveries by time', step: (store) => store.deliveries({}, page), indices: ['deliveries_1'] },
  {
    title: 'deliveries of an event',
    step: (store) => store.deliveries({ eventId: 'run.failed:dbt/1/7' }, page),
    indices: ['deliveries_once (event_id=?)'],
  },
  {
    title: 'deliveries of a run',
    step: (store) => store.deliveries({ run }, page),
    indices: ['deliveries_once (event_id=?)', 'events_message (message_id=?)', 'messages_run (source=?'],
  },
  {
    title: 'deliveries of a handler',
    step: (store) => store.deliveries({ handlerId: 'plain' }, page),
    indices: ['deliveries_1'],
  },
  {
    title: 'deliveries in a rare state',
    step: (store) => store.deliveries({ state: 'dead' }, page),
    indices: ['deliveries_rare (state=?)'],
  },
  {
    title: 'dead letters of a handler',
    step: (store) => store.deliveries({ state: 'dead', handlerId: 'plain' }, page),
    indices: ['deliveries_rare (state=?)'],
  },
  {
    title: 'deliveries by id',
    step: (store) => store.deliveries({ ids: [`dlv_${'0'.repeat(30)}`] }, page),
    indices: ['deliveries_1 (id=?)'],
  },
  {
    title: 'attempts of a delivery',
    step: (store) => store.attempts(`dlv_${'0'.repeat(30)}`),
    indices: ['deliveries_1 (id=?)', 'attempts_1 (delivery_id=?)'],
  },
  {
    title: 'nodes by time',
    step: (store) => nodes(store, {}),
    indices: ['nodes_observed'],
  },
  {
    title: 'a later page of nodes',
    step: (store) => nodes(store, {}, JSON.stringify([START_MS + 60_000, 'dbt', '{"accountId":"7"}', 'model.7'])),
    indices: ['nodes_observed (observed_at<?)'],
  },
  { title: 'nodes by source', step: (store) => nodes(store, { source: 'dbt' }), indices: ['nodes_observed'] },
  { title: 'a node', step: (store) => nodes(store, { nodeId: 'model.7' }), indices: ['nodes_node (node_id=?)'] },
  {
    title: 'nodes with an open incident',
    step: (store) => nodes(store, { hasIncident: true }),
    indices: ['nodes_open (observed_at>?)'],
  },
  {
    title: 'nodes without an open incident',
    step: (store) => nodes(store, { hasIncident: false }),
    indices: ['nodes_observed'],
  },
  {
    title: 'unread results of a place',
    step: (store) => unread(store),
    indices: ['results_scope (source=? AND scope=? AND finished_at>?)'],
  },
  {
    title: 'a later page of unread results',
    step: (store) => unread(store, JSON.stringify([START_MS + 60_000, '1', '7'])),
    indices: ['results_scope (source=? AND scope=? AND finished_at>?)'],
  },
  { title: 'actions by time', step: (store) => actions(store, {}), indices: ['actions_created'] },
  {
    title: 'a later page of actions',
    step: (store) => actions(store, {}, JSON.stringify([START_MS + 60_000, 'dbt', 'action 60'])),
    indices: ['actions_created (created_at<?)'],
  },
  { title: 'actions by source', step: (store) => actions(store, { source: 'dbt' }), indices: ['actions_created'] },
  {
    title: 'actions in a usual state',
    step: (store) => actions(store, { state: 'answered' }),
    indices: ['actions_created'],
  },
  {
    title: 'actions in a rare state',
    step: (store) => actions(store, { state: 'unknown' }),
    indices: ['actions_rare (state=?)'],
  },
  {
    title: 'actions of a run',
    step: (store) => actions(store, { run }),
    indices: [
      'actions_asked (asked_source=? AND asked_account=? AND asked_run=?)',
      'actions_target (source=? AND target=?)',
      'actions_new_run (source=? AND new_run=?)',
    ],
  },
  { title: 'decisions by time', step: (store) => store.audit(page), indices: [] },
  {
    title: 'a later page of decisions',
    step: (store) => store.audit({ ...page, after: '7' }),
    indices: ['audit USING INTEGER PRIMARY KEY (rowid<?)'],
  },
  {
    title: 'handlers with waiting work',
    step: (store) => store.missingHandlers(new Date(START_MS)),
    indices: ['deliveries_due'],
  },
];
