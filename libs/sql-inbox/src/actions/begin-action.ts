import type { ActionClaim, BegunAction, NewAction } from 'nestjs-runhooks/core';
import type { SqlDialect } from '../schema/dialect.js';
import { newRow, type NewRow } from '../schema/new-row.js';
import type { ActionsTable } from '../schema/provider-tables.js';
import { change, command, query, type Transaction } from '../schema/statement.js';
import { IS_RARE_ACTION, isRareAction } from '../rows/rare-states.js';
import { SQL_LIMITS } from '../limits.js';
import { actionsLock, selectAction, toStoredAction, updateAction } from './action-rows.js';
import { rootRunFinder } from './root-run.js';

/** Writes a new action, or claims a known one. */
export function beginAction(dialect: SqlDialect): (action: NewAction, claim: ActionClaim) => Transaction<BegunAction> {
  const { db, locks, locking } = dialect;
  const claimKnown = knownClaimer(dialect);
  const findRoot = rootRunFinder(dialect);
  const countRetries = retryCounter(dialect);
  const findParent = possibleParentFinder(dialect);
  const findAsker = askerFinder(dialect);
  const insert = change<NewRow<'actions'>>((value) => db.insertInto('actions').values(newRow('actions', value)));
  return function* (action, claim) {
    yield* locks.takeAll([actionsLock(action.source)]);
    const [known] = yield* query(locking(selectAction(db, action)));
    if (known) return yield* claimKnown(known, action, claim);
    const rootRun = action.kind === 'retry' ? yield* findRoot(action) : undefined;
    if (rootRun !== undefined && action.retriesMax !== undefined) {
      const parent = rootRun === action.target ? yield* findParent(action, claim.now) : undefined;
      if (parent) return waitingFor(parent, claim, claim.now.getTime() + claim.leaseMs);
      const retries = yield* countRetries(action.source, rootRun);
      if (retries >= action.retriesMax) return { begun: 'limited', rootRun, retries };
    }
    const now = claim.now.getTime();
    const row: NewRow<'actions'> = {
      source: action.source,
      action_key: action.key,
      kind: action.kind,
      target: action.target,
      account_id: action.accountId ?? null,
      state: 'intended',
      mark: action.mark,
      request: action.request,
      root_run: rootRun ?? null,
      ...(yield* findAsker(action.key)),
      created_at: now,
      updated_at: now,
      looks: 0,
      due_at: now + claim.leaseMs,
      lease: claim.lease,
    };
    yield* insert(row);
    const unsent = { answer: null, new_run: null, new_account: null, refusal: null, sent_at: null };
    return { begun: 'claimed', action: toStoredAction({ ...row, ...unsent }) };
  };
}

/** Claims an action that is not over, unless another attempt holds it or its next look-up is not due. */
function knownClaimer({ db }: SqlDialect) {
  return function* (known: ActionsTable, action: NewAction, claim: ActionClaim): Transaction<BegunAction> {
    const stored = toStoredAction(known);
    if (known.kind !== action.kind || known.target !== action.target) return { begun: 'differs', action: stored };
    if (known.state === 'unknown' || !isRareAction(known.state)) return { begun: 'ended', action: stored };
    const now = claim.now.getTime();
    const waiting = waitingFor(known, claim);
    if (waiting) return waiting;
    const { lease } = claim;
    yield* command(updateAction(db, action).set({ lease, due_at: now + claim.leaseMs, updated_at: now }));
    return { begun: 'claimed', action: stored };
  };
}

/**
 * Finds a retry of another run of the target's job that was sent within a day and whose answer is not known. The target may be its
 * new run, and then has another root run.
 */
function possibleParentFinder({ db }: SqlDialect) {
  return function* ({ source, accountId, target }: NewAction, now: Date): Transaction<ActionsTable | undefined> {
    if (accountId === undefined) return undefined;
    const since = now.getTime() - SQL_LIMITS.actionDoubtMs;
    const find = db
      .selectFrom('actions')
      .innerJoin('runs as retried', (join) =>
        join
          .onRef('retried.source', '=', 'actions.source')
          .onRef('retried.account_id', '=', 'actions.account_id')
          .onRef('retried.run_id', '=', 'actions.target'),
      )
      .innerJoin('runs as own', (join) =>
        join
          .onRef('own.source', '=', 'actions.source')
          .onRef('own.account_id', '=', 'actions.account_id')
          .onRef('own.job_key', '=', 'retried.job_key')
          .on('own.run_id', '=', target),
      )
      .selectAll('actions')
      .where(IS_RARE_ACTION)
      .where('actions.state', 'in', ['sent', 'unknown'])
      .where('actions.source', '=', source)
      .where('actions.account_id', '=', accountId)
      .where('actions.kind', '=', 'retry')
      .where('actions.target', '<>', target)
      .where('actions.sent_at', '>', since)
      .limit(1);
    const [row] = yield* query(find);
    return row;
  };
}

/** Returns that an action waits until its lease or its wait for a look-up ends. Without one, it waits until `otherwise`. */
function waitingFor(row: ActionsTable, claim: ActionClaim, otherwise: number): BegunAction;
function waitingFor(row: ActionsTable, claim: ActionClaim): BegunAction | undefined;
function waitingFor(row: ActionsTable, { now, latestDueAt }: ActionClaim, otherwise?: number): BegunAction | undefined {
  const { due_at } = row;
  const isAhead = due_at !== null && due_at > now.getTime() && due_at <= latestDueAt.getTime();
  const dueAt = isAhead ? due_at : otherwise;
  return dueAt === undefined ? undefined : { begun: 'waiting', action: toStoredAction(row), dueAt: new Date(dueAt) };
}

/** Counts the retries of a root run that were not refused. */
function retryCounter({ db }: SqlDialect) {
  return function* (source: string, rootRun: string): Transaction<number> {
    const count = db
      .selectFrom('actions')
      .select((eb) => eb.fn.countAll<number>().as('retries'))
      .where('source', '=', source)
      .where('root_run', '=', rootRun)
      .where('state', '<>', 'refused');
    const [row] = yield* query(count);
    return Number(row?.retries ?? 0);
  };
}

type Asker = Pick<ActionsTable, 'handler_id' | 'event_id' | 'asked_source' | 'asked_account' | 'asked_run'>;

/** Finds the delivery whose id is a key, or the part of it before its first colon, with the run of its event's message. */
function askerFinder({ db }: SqlDialect) {
  return function* (key: string): Transaction<Asker> {
    const colon = key.indexOf(':');
    const ids = colon < 0 ? [key] : [key, key.slice(0, colon)];
    const find = db
      .selectFrom('deliveries')
      .leftJoin('events', 'events.id', 'deliveries.event_id')
      .leftJoin('messages', 'messages.id', 'events.message_id')
      .select(['deliveries.id', 'deliveries.handler_id', 'deliveries.event_id'])
      .select(['messages.source', 'messages.account_id', 'messages.run_id'])
      .where('deliveries.id', 'in', ids);
    const found = yield* query(find);
    const delivery = found.find(({ id }) => id === key) ?? found[0];
    const isAboutRun = delivery !== undefined && delivery.run_id !== null;
    return {
      handler_id: delivery?.handler_id ?? null,
      event_id: delivery?.event_id ?? null,
      asked_source: isAboutRun ? delivery.source : null,
      asked_account: isAboutRun ? delivery.account_id : null,
      asked_run: isAboutRun ? delivery.run_id : null,
    };
  };
}
