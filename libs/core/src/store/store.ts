import type { InboxTransaction } from '../handlers/handler.js';
import type { RegisteredHandler, Role } from '../handlers/registration.js';
import type { Logger } from '../log/logger.js';
import type {
  Claim,
  ClaimedDelivery,
  ClaimedMessage,
  DeliveryClaim,
  DueDelivery,
  Held,
  MessageClaim,
  Release,
  TaskClaim,
  WorkScope,
} from './claim.js';
import type { Decision } from './decision.js';
import type { Settlement } from './delivery.js';
import type { AbandonedCount, InboxReader, RefusalCount } from './inbox-reader.js';
import type { Appended, NewMessage } from './new-message.js';
import type { Dismissal, Erased, Erasure, Redrive, Reparse } from './operator-request.js';
import type { PullBack, PulledBack } from './pull-back.js';
import type { Purge, Purged } from './purge.js';
import type { AddedDeliveries, NewEvent, Recorded, Recording } from './recording.js';
import type { ActionStore } from './action-store.js';
import type { ResultStore } from './result-store.js';
import type { RoundStore } from './round-store.js';
import type { ClaimedTask, TaskEvaluation } from './task.js';

/** Registration of a process, written at startup and with each heartbeat. */
export interface Registration {
  /** Id of the process. Every start has a new one. */
  readonly processId: string;
  readonly role: Role;
  /** Host name and process id, for operators. */
  readonly label: string;
  /** Identifies the operating system that the process id belongs to; empty if unknown. @default '' */
  readonly host?: string;
  /** Process id. @default 0 */
  readonly pid?: number;
  /** Token of all work that the process stores as already claimed. Its other tokens begin with it and a period. @default none */
  readonly lease?: string;
  /** Returns whether another registered process has certainly ended, by its host and process id. @default never */
  readonly isGone?: (host: string, pid: number) => boolean;
  readonly startedAt: Date;
  readonly handlers: readonly RegisteredHandler[];
  /** Calls of its handlers that are still running although their attempt is over. */
  readonly abandoned: readonly AbandonedCount[];
  /** Processes whose last heartbeat was before this time are removed. */
  readonly lapsedBefore: Date;
  /** Handlers that no process has registered since this time are removed. */
  readonly missingBefore: Date;
  /** Difference of its host's clock to the shared clock, in milliseconds; negative if the host is behind. @default 0 */
  readonly clockAheadMs?: number;
  /** Work of which {@link Store.register} returns the next due time. */
  readonly scope: WorkScope;
}

/** How claimed work has ended: a message was parsed, or an attempt is over. */
export type Entry = Recording | Settlement;

/**
 * Port: keeps an inbox in a database engine. Every verb is one atomic and durable step.
 *
 * - When a verb's promise resolves, its effect has survived an fsync.
 * - If it rejects with {@link StoreUnavailableError}, the step may or may not have happened. Repeating it must be safe.
 * - A step on claimed work writes nothing if its lease token is no longer in the row.
 * - No caller has to read and then write. The methods of {@link InboxReader} are for operators.
 *
 * The test suite `storeContract` of `nestjs-runhooks/testing` checks these guarantees.
 */
export interface Store extends InboxReader {
  /** Engine and place of the data, for the log: `SQLite /data/runhooks.db`. It must not contain a password. */
  readonly description: string;
  /**
   * Opens the inbox, and creates or upgrades its schema. Called once at startup, before any other verb.
   *
   * @throws ConfigurationError if the inbox cannot be opened as configured.
   */
  open(): Promise<void>;
  /**
   * Writes the registration or heartbeat of a process. Of two versions of a handler, the version of the process that
   * started last is kept. Returns the same as {@link nextDueAt}, so that an idle worker needs only one call.
   *
   * It removes processes whose last heartbeat was too long ago and those that are gone, and releases the work that they
   * had claimed with their `lease`, or with a token that begins with it and a period: it is due at once.
   *
   * It also stores `now` as the time of the inbox. Registrations with a later time are set to `now`. If the time has
   * jumped, {@link purge} brakes, and no handler is removed because of its age.
   */
  register(registration: Registration, now: Date): Promise<Date | undefined>;
  /** Removes a process that is about to end. Its handlers stay registered. */
  deregister(processId: string): Promise<void>;
  /**
   * Stores a message once per `(source, messageKey, digest)`. The message is due at once, by any clock. If the engine
   * rejects its content, the bytes are stored in the state `quarantined`.
   */
  append(message: NewMessage): Promise<Appended>;
  /**
   * Adds to the numbers in {@link InboxReader.counts}. A repeated call may add twice. Returns the sources of `refusals`
   * that have ever stored a message.
   */
  countRefusals(refusals: readonly RefusalCount[]): Promise<readonly string[]>;
  /**
   * Returns when {@link claimMessages}, {@link claimTasks} or {@link claimDeliveries} can claim the next work of `scope`,
   * or `undefined` if no work waits.
   */
  nextDueAt(scope: WorkScope): Promise<Date | undefined>;
  /**
   * Claims messages in the state `stored` that are not claimed, and counts the claim in `claims`.
   *
   * Sources take turns in a fixed order of your choice. The first source behind `after` yields its messages in the order of
   * their ids. The next source follows while the claim has room. The result has the same order.
   *
   * A message that was claimed before may have ended a process. It comes after the other messages of its source. It is
   * claimed alone, when it is first in turn, so that its count is about no other message.
   */
  claimMessages(claim: MessageClaim): Promise<ClaimedMessage[]>;
  /**
   * Writes how claimed work has ended: parsed messages with their new states, and attempts with the next states of their
   * deliveries. With each entry it writes what its `decide` returns: run and job states, new events with their deliveries,
   * and tasks.
   *
   * Each entry is written whole or not at all. Those of one job or of one lock take effect in the given order, others in any
   * order. Returns one result per entry, in the same order. It rejects if the store is unavailable or the only entry cannot be
   * written. Otherwise it returns the `failure` of each entry that could not be written.
   */
  record(entries: readonly Entry[], now: Date): Promise<Recorded[]>;
  /**
   * Claims due deliveries that are not claimed, and counts the attempt.
   *
   * The sources of each handler take turns, as in {@link claimMessages}. Within a turn, deliveries that have been due
   * longest come first. The result has the same order.
   *
   * In a lane, only the first unfinished delivery can be claimed, and only if no other one is claimed.
   */
  claimDeliveries(claim: DeliveryClaim): Promise<ClaimedDelivery[]>;
  /**
   * Returns deliveries that {@link claimDeliveries} could claim, without claiming them. It returns one delivery of each
   * turn before a second one of any turn, and those that have been due longest first.
   */
  dueDeliveries(due: Pick<DeliveryClaim, 'now' | 'handlerIds' | 'limit'>): Promise<DueDelivery[]>;
  /** Extends the leases of claimed deliveries to `now + leaseMs`. Returns the ids whose claim has not been lost. */
  renew(held: readonly Held[], claim: Pick<Claim, 'now' | 'leaseMs'>): Promise<string[]>;
  /**
   * Claims due tasks that are not claimed, those that have been due longest first, and counts the claim in `claims`.
   * Returns them in the order of their messages.
   */
  claimTasks(claim: TaskClaim): Promise<ClaimedTask[]>;
  /**
   * Evaluates a task in one transaction. Returns the decided events that did not exist yet, or `false` without writing
   * anything if the claim has been lost.
   */
  evaluate(evaluation: TaskEvaluation, now: Date): Promise<readonly NewEvent[] | false>;
  /**
   * Makes dead letters due at once, with a fresh set of attempts. Returns how many were redriven.
   *
   * Like every verb that takes a {@link Decision}, it adds the decision to the audit in its own transaction. If the audit
   * has a row with the decision's id, the number is added to that row.
   */
  redrive(redrive: Redrive, decision: Decision, now: Date): Promise<number>;
  /** Dismisses dead letters, and pending deliveries that are not claimed. Returns how many were dismissed. */
  dismiss(dismissal: Dismissal, decision: Required<Decision>, now: Date): Promise<number>;
  /**
   * Adds deliveries of stored events, once per `(event, handler, replayId)`. Erased events get none. Returns how many
   * deliveries were new.
   */
  replay(replayId: string, events: readonly AddedDeliveries[], decision: Decision, now: Date): Promise<number>;
  /**
   * Sets messages back to the state `stored`, so that they are parsed again. They are due at once, by any clock. Returns
   * how many were set back.
   */
  reparse(reparse: Reparse, decision: Decision, now: Date): Promise<number>;
  /**
   * Erases the content of messages and sets their state to `erased`.
   *
   * - Messages lose their body, headers, reason and notes.
   * - Events lose their data, and attempts the texts of their errors.
   * - Tasks are removed.
   * - Runs that these messages are about, and those of the erasure, lose their facts from the API. No later
   *   {@link RoundStore.addFacts} adds them again.
   * - The failed and warned nodes of these runs are removed from their results. The numbers stay.
   * - Actions lose their arguments, the page of their answer and the text of their refusal if they are about these runs, started
   *   them, were asked for by handlers of these events, or contain one of the strings.
   * - Pending deliveries and dead letters are dismissed with the reason `erased`.
   *
   * Deduplication keys and the states of runs stay. A message or event that a handler is running with is skipped, and
   * counted as `held`.
   */
  erase(erasure: Erasure, decision: Decision, now: Date): Promise<Erased>;
  /**
   * Removes old rows, including audit entries, in one small step. It never removes a message that waits to be parsed, or
   * one with unfinished deliveries or tasks. Returns how many rows were removed: none if no old rows are left, or if the
   * brake keeps them.
   */
  purge(purge: Purge): Promise<Purged>;
  /**
   * Makes work due sooner that a wrong clock has delayed, in steps. `next` of the result is the `after` of the next step.
   *
   * - Leases that end later than a lease can end are shortened.
   * - Deliveries get the time that {@link soonerDueAtMs} returns.
   * - Unclaimed messages and tasks are due at once. A task that is evaluated too early is delayed again.
   *
   * The numbers in the result count only times that a correct clock cannot have produced.
   */
  pullBack(pullBack: PullBack): Promise<PulledBack>;
  /**
   * Gives back claimed work that has not begun: messages and deliveries are due at once. Work whose claim has been lost is
   * left alone.
   *
   * Optional. A store with this verb stores messages and deliveries with their `claim`, as if they had been claimed right
   * after they were written. The process that wrote them then starts with them without asking the store.
   */
  release?(release: Release, now: Date): Promise<void>;
  /**
   * Rounds of sources with access to their provider's API. Optional: without these verbs, startup rejects a source whose
   * `api` has rounds.
   */
  readonly rounds?: RoundStore;
  /**
   * Results of runs and states of their nodes. Optional: without these verbs, startup rejects handlers of results.
   */
  readonly results?: ResultStore;
  /**
   * Actions at providers. Optional: without these verbs, clients of APIs cannot start or stop anything.
   */
  readonly actions?: ActionStore;
  /**
   * Returns the time of the clock that all hosts share. Optional, for a store that several hosts share. The core then uses
   * this time instead of the host's clock.
   */
  now?(): Promise<Date>;
  /**
   * Sets the function to call when another process has made work due, or may have done so while notifications were lost.
   * Optional, for a store that several processes share. Called once, before work begins. A call of `wake` is a hint and may
   * get lost, because every worker also polls once a second.
   */
  onWork?(wake: () => void): void;
  /**
   * Runs `work` in a transaction of the store's database, then records the settlement as {@link record} does, and commits both
   * or neither. Optional, for a database that handlers can write to. Returns `false` and writes neither if the claim has
   * been lost. Rejects with the error of `work`. If `signal` is aborted, an open transaction is rolled back.
   */
  settleWith?(
    work: (tx: InboxTransaction) => Promise<unknown>,
    settlement: () => Settlement,
    signal: AbortSignal,
  ): Promise<boolean>;
  /** Finishes pending steps, and closes files and connections. May be called again. */
  close(): Promise<void>;
}

/** Configured inbox that is opened at startup, as `sqliteInbox(…)` returns it. */
export interface StoreFactory {
  /** Creates the store. It must not open or read anything before {@link Store.open}. */
  createStore(logger: Logger): Store;
}
