import type { EventSummary } from 'nestjs-runhooks';
import type { NodeSummary, StoredResults } from 'nestjs-runhooks/core';
import type { JournalEntry } from './journal.js';
import type { Receipt } from './ledger.js';
import type { WorldRun } from './world/world-run.js';

/** What happened, by the world, and what came of it, by the inbox and the handlers. */
export interface Evidence {
  readonly world: readonly WorldRun[];
  /** Time of the install. */
  readonly since: Date;
  /** Time of the last look. */
  readonly now: Date;
  /** Results in the inbox, by {@link runKeyOf}. */
  readonly results: ReadonlyMap<string, StoredResults | undefined>;
  readonly events: readonly Pick<EventSummary, 'id' | 'type' | 'source' | 'data'>[];
  /** Nodes with an open incident. */
  readonly openNodes: readonly NodeSummary[];
  readonly journal: readonly JournalEntry[];
  readonly receipts: readonly Receipt[];
  /** Numbers of the processes that were killed. */
  readonly killed: ReadonlySet<number>;
  /** Deliveries that are pending or dead. */
  readonly unfinished: number;
}

/** Returns a key of a run that no other run has. */
export function runKeyOf({ source, id }: Pick<WorldRun, 'source' | 'id'>): string {
  return `${source}/${id}`;
}
