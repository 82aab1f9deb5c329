import type {
  ClaimedRound,
  Decision,
  HeldRound,
  RoundClaim,
  RoundRenewal,
  RoundSelection,
  RoundSettlement,
  RoundSummary,
} from 'nestjs-runhooks/core';
import type { SqlDialect } from '../schema/dialect.js';
import type { RoundsTable } from '../schema/provider-tables.js';
import { change, command, statement, type Transaction } from '../schema/statement.js';
import { recordDecision } from '../rows/record-decision.js';

/** Claims the round of a source that has been due longest. A source has few rounds, so all of them are read. */
export function claimRound(dialect: SqlDialect): (claim: RoundClaim) => Transaction<ClaimedRound | undefined> {
  const { db, skippingLocked } = dialect;
  const find = statement<{ source: string }, RoundsTable>((value) =>
    skippingLocked(db.selectFrom('rounds').selectAll().where('source', '=', value('source'))),
  );
  const take = change<Pick<RoundsTable, 'source' | 'kind' | 'due_at'> & { lease: string; until: number }>((value) =>
    db
      .updateTable('rounds')
      .set({ due_at: value('until'), lease: value('lease') })
      .where('source', '=', value('source'))
      .where('kind', '=', value('kind'))
      .where('due_at', '=', value('due_at')),
  );
  return function* ({ source, rounds, now, leaseMs, lease, early = false }) {
    const latestOf = new Map(rounds.map(({ kind, latestDueAt }) => [kind, latestDueAt.getTime()]));
    const isDue = ({ kind, due_at, lease: held }: RoundsTable): boolean => {
      const latest = latestOf.get(kind);
      if (latest === undefined) return false;
      return due_at <= now.getTime() || due_at > latest || (early && held === null);
    };
    const [due] = (yield* find({ source })).filter(isDue).sort((a, b) => a.due_at - b.due_at);
    if (!due) return undefined;
    const { kind, due_at } = due;
    const taken = yield* take({ source, kind, due_at, lease, until: now.getTime() + leaseMs });
    return taken > 0 ? toClaimedRound(due) : undefined;
  };
}

/** Extends the lease of a round, and stores its cursor if there is a new one. */
export function renewRound({ db }: SqlDialect): (held: HeldRound, renewal: RoundRenewal) => Transaction<boolean> {
  return function* ({ source, kind, lease }, { now, leaseMs, cursor }) {
    const renewed = yield* command(
      db
        .updateTable('rounds')
        .set({ due_at: now.getTime() + leaseMs, ...(cursor !== undefined && { cursor }) })
        .where('source', '=', source)
        .where('kind', '=', kind)
        .where('lease', '=', lease),
    );
    return renewed > 0;
  };
}

/** Ends a round, and writes when the next one is due. */
export function settleRound({
  db,
}: SqlDialect): (held: HeldRound, settlement: RoundSettlement) => Transaction<boolean> {
  const settle = change<Omit<RoundsTable, 'cursor' | 'lease'> & { lease: string }>((value) =>
    db
      .updateTable('rounds')
      .set({ due_at: value('due_at'), lease: null, failures: value('failures'), last_error: value('last_error') })
      .where('source', '=', value('source'))
      .where('kind', '=', value('kind'))
      .where('lease', '=', value('lease')),
  );
  return function* (held, { dueAt, failures, lastError: last_error = null }) {
    return (yield* settle({ ...held, due_at: dueAt.getTime(), failures, last_error })) > 0;
  };
}

/** Lists all rounds. */
export function listRounds({ db }: SqlDialect): () => Transaction<RoundSummary[]> {
  const list = statement<object, RoundsTable>(() => db.selectFrom('rounds').selectAll());
  return function* () {
    const rows = yield* list({});
    // Sorted here, because the collation of the database may differ.
    return rows
      .sort((a, b) => (a.source === b.source ? compare(a.kind, b.kind) : compare(a.source, b.source)))
      .map((row) => ({ ...toClaimedRound(row), dueAt: new Date(row.due_at), isRunning: row.lease !== null }));
  };
}

/** Makes rounds due that no worker has claimed. */
export function hastenRounds(
  dialect: SqlDialect,
): (selection: RoundSelection, decision: Decision, now: Date) => Transaction<number> {
  const record = recordDecision(dialect);
  return function* ({ source, kind }, decision, now) {
    const at = now.getTime();
    let hasten = dialect.db
      .updateTable('rounds')
      .set({ due_at: at })
      .where('lease', 'is', null)
      .where('due_at', '>', at);
    if (source !== undefined) hasten = hasten.where('source', '=', source);
    if (kind !== undefined) hasten = hasten.where('kind', '=', kind);
    const hastened = yield* command(hasten);
    yield* record('sweep', decision, hastened, now);
    return hastened;
  };
}

function toClaimedRound({ source, kind, cursor, failures, last_error }: RoundsTable): ClaimedRound {
  return {
    source,
    kind,
    failures,
    ...(cursor !== null && { cursor }),
    ...(last_error !== null && { lastError: last_error }),
  };
}

function compare(one: string, other: string): number {
  if (one === other) return 0;
  return one < other ? -1 : 1;
}
