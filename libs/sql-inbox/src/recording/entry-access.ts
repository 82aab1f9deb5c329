import type { Entry, JobKey, JobRecord, Recording, RunState, Settlement } from 'nestjs-runhooks/core';
import { keyOfJob, keyOfRun } from '../rows/run-and-job-rows.js';
import type { NewRow } from '../schema/new-row.js';
import type { MessagesTable } from '../schema/schema.js';
import type { Transaction } from '../schema/statement.js';
import type { SettledDelivery } from './attempt-rows.js';
import type { SettledMessage } from './message-rows.js';

/** Rows to write with entries. Rows that exist already stay as they are, except those of runs and jobs. */
export interface EntryRows {
  /** Messages that are now parsed, to be counted. */
  readonly parsed: readonly Pick<MessagesTable, 'source' | 'received_at'>[];
  /** Messages about runs that a sweep has found, to be counted. */
  readonly found: readonly Pick<MessagesTable, 'source' | 'received_at'>[];
  readonly jobs: readonly NewRow<'jobs'>[];
  readonly runs: readonly NewRow<'runs'>[];
  readonly events: readonly NewRow<'events'>[];
  /** Deliveries of {@link events}. Those of an event that exists already are not written. */
  readonly deliveries: readonly NewRow<'deliveries'>[];
  readonly tasks: readonly NewRow<'tasks'>[];
}

/** State of the inbox that the entries of a transaction may have to know. */
export interface KnownStates {
  /** States of runs, by {@link keyOfRun}. */
  readonly runs: Map<string, RunState>;
  /** Records of job keys, by {@link keyOfJob}. */
  readonly jobs: Map<string, JobRecord>;
  /** Registered versions of handlers, at least those that not all of the entries have. */
  readonly handlers: readonly string[];
}

/**
 * Returns the job keys that an entry is about: those that it names, the one of its run, and the jobs that these are
 * aliases of, as far as `known` has them.
 */
export function jobKeysOf({ job, otherJobKeys = [], run }: Entry, known: KnownStates): JobKey[] {
  if (!job) return [];
  const { source } = job;
  const runState = run && known.runs.get(keyOfRun(run));
  const keys = new Set([job.jobKey, ...otherJobKeys, ...(runState ? [runState.jobKey] : [])]);
  // A set also visits what is added during the loop.
  for (const jobKey of keys) {
    const record = known.jobs.get(keyOfJob({ source, jobKey }));
    if (record && 'aliasOf' in record) keys.add(record.aliasOf);
  }
  return Array.from(keys, (jobKey) => ({ source, jobKey }));
}

/** Steps of recording that an engine takes for many entries at once, or for one after the other. */
export interface EntryAccess {
  /**
   * Locks the runs and the job keys of the entries, the job keys of the known runs, and the jobs that these keys are
   * aliases of. Returns the locked job keys, as by {@link keyOfJob}; or `undefined` if no other transaction can write.
   */
  lock(entries: readonly Entry[]): Transaction<ReadonlySet<string> | undefined>;
  /** Ends the claims of messages and sets their states. Returns those whose lease has not been lost. */
  settleMessages(recordings: readonly Recording[]): Transaction<SettledMessage[]>;
  /** Writes attempts and the next states of their deliveries. Returns the deliveries whose lease has not been lost. */
  settleDeliveries(settlements: readonly Settlement[]): Transaction<SettledDelivery[]>;
  /** Returns the states of the runs of the entries, the records of the job keys that {@link lock} locks, and handlers. */
  known(entries: readonly Entry[]): Transaction<KnownStates>;
  /** Writes the rows and counts them. Returns the ids of the events that are new. */
  write(rows: EntryRows): Transaction<Set<string>>;
}

/** Returns the versions of handlers that all entries have which name theirs; `undefined` if none does. */
export function sharedHandlers(entries: readonly Entry[]): readonly string[] | undefined {
  const lists = [...new Set(entries.flatMap(({ handlers }) => (handlers ? [handlers] : [])))];
  const [first, ...others] = lists;
  return first?.filter((version) => others.every((list) => list.includes(version)));
}
