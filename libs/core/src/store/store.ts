import type { InboxTransaction } from '../handlers/handler.js';
import type { RegisteredHandler, Role } from '../handlers/registration.js';
import type { Logger } from '../logger.js';
import type { HeaderMap } from '../sources/message.js';
import type {
  Claim,
  ClaimedDelivery,
  ClaimedMessage,
  DeliveryClaim,
  DueDelivery,
  Held,
  MessageClaim,
  TaskClaim,
  WorkScope,
} from './claim.js';
import type { Decision } from './decision.js';
import type { Settlement } from './delivery.js';
import type { AbandonedCount, InboxReader, RefusalCount } from './inbox-reader.js';
import type { Dismissal, Erased, Erasure, Redrive, Reparse } from './operator-request.js';
import type { PullBack, PulledBack } from './pull-back.js';
import type { Purge, Purged } from './purge.js';
import type { AddedDeliveries, NewEvent, Recorded, Recording } from './recording.js';
import type { ClaimedTask, TaskEvaluation } from './task.js';

/** A verified message about to be stored. */
export interface NewMessage {
  readonly id: string;
  readonly source: string;
  readonly provider: string;
  /** The sender's id from signed data; may be empty. */
  readonly messageKey: string;
  /** SHA-256 of the body. */
  readonly digest: Uint8Array;
  /** Only the headers the provider keeps. */
  readonly headers: HeaderMap;
  readonly body: Uint8Array;
  readonly receivedAt: Date;
}

/** `duplicate` carries the id of the message that was there before. */
export interface Appended {
  readonly status: 'accepted' | 'duplicate';
  readonly id: string;
}

/** What a process says of itself in the inbox: at its boot, and again while it lives. */
export interface Registration {
  /** Of this one process, from its boot to its end. */
  readonly processId: string;
  readonly role: Role;
  /** For people: host and process id. */
  readonly label: string;
  readonly startedAt: Date;
  readonly handlers: readonly RegisteredHandler[];
  /** Its calls that still run although their attempt is over. */
  readonly abandoned: readonly AbandonedCount[];
  /** Processes that were last heard of before this time are removed. */
  readonly lapsedBefore: Date;
  /** Handlers that no process has had since this time are removed. */
  readonly missingBefore: Date;
  /** How far the clock of its host is ahead of the one that decides, in milliseconds. @default 0 */
  readonly clockAheadMs?: number;
  /** What to look for in the same step. */
  readonly scope: WorkScope;
}

/**
 * Port: keeps an inbox. Every verb is one atomic, durable step: when its promise resolves the effect has survived an
 * fsync, when it rejects with {@link StoreUnavailableError} it is unknown, and repeating it is safe. There are no
 * getters a caller could race on; {@link InboxReader} is for people.
 */
export interface Store extends InboxReader {
  /** For the boot log: the engine and where it keeps its data. */
  readonly description: string;
  /** Called once at boot, before anything else: creates or upgrades the schema. Throws `ConfigurationError`. */
  open(): Promise<void>;
  /**
   * Says that a process lives, and which handlers it has; of the versions of a handler the one whose process started
   * last stays. Answers what {@link nextDueAt} does, so that an idle process has one thing to ask at a time. Also notes
   * the time: what was registered at times that have not come is cut to now, and if the time jumped, no handler is
   * forgotten for its age, and {@link purge} brakes.
   */
  register(registration: Registration, now: Date): Promise<Date | undefined>;
  /** The process is about to end. What it registered of handlers stays. */
  deregister(processId: string): Promise<void>;
  /**
   * Stores a message once per `(source, messageKey, digest)`. A message that the engine refuses for what is in it is
   * stored as `quarantined` bytes. It is due at once, whatever the clock that it was received by.
   */
  append(message: NewMessage): Promise<Appended>;
  /** Adds to the sums of {@link InboxReader.counts}; repeated after a failure, maybe twice. Returns which of the sources ever stored a message. */
  countRefusals(refusals: readonly RefusalCount[]): Promise<readonly string[]>;
  /** When the next work is due that {@link claimMessages}, {@link claimTasks} or {@link claimDeliveries} would take. */
  nextDueAt(scope: WorkScope): Promise<Date | undefined>;
  /**
   * Takes `stored` messages that nobody holds, and counts the read. Sources take turns, in any order that stays the
   * same: the first one that has any after `after` gives all it has, in the order of their ids, and where the claim has
   * room left, the next one. Answers them in this order. One whose reading was begun before comes after the others of its
   * source. It may be what ended a process: it is taken alone, when it is the first in turn, so that its count is about
   * nobody else.
   */
  claimMessages(claim: MessageClaim): Promise<ClaimedMessage[]>;
  /**
   * Writes what was read: run state, new events with their deliveries, and the message's new state; each recording
   * whole or not at all. Those of one job take effect in the order given, those of different jobs in any order.
   */
  record(recordings: readonly Recording[], now: Date): Promise<Recorded[]>;
  /**
   * Takes due deliveries that nobody holds, and counts the attempt. The sources of each handler take turns, as those of
   * {@link claimMessages} do, longest due first. Answers them in this order. In a lane, only the first delivery that is
   * not settled can be taken, and none while another one is held.
   */
  claimDeliveries(claim: DeliveryClaim): Promise<ClaimedDelivery[]>;
  /**
   * What {@link claimDeliveries} could take, one of each turn before a second one of any, and longest due first; takes
   * nothing.
   */
  dueDeliveries(due: Pick<DeliveryClaim, 'now' | 'handlerIds' | 'limit'>): Promise<DueDelivery[]>;
  /** Holds claimed deliveries until `now + leaseMs`. Answers the ids that are still held. */
  renew(held: readonly Held[], claim: Pick<Claim, 'now' | 'leaseMs'>): Promise<string[]>;
  /** Records an attempt. Answers false, and writes nothing, if the claim was lost meanwhile. */
  settle(settlement: Settlement, now: Date): Promise<boolean>;
  /** Takes due tasks that nobody holds, longest due first, and counts the claim. Answers them in the order of their messages. */
  claimTasks(claim: TaskClaim): Promise<ClaimedTask[]>;
  /**
   * Decides a task in one transaction. Returns the decided events that did not exist yet, or `false` without writing
   * anything if the claim has been lost.
   */
  evaluate(evaluation: TaskEvaluation, now: Date): Promise<readonly NewEvent[] | false>;
  /**
   * Makes dead letters due at once, with all their attempts before them again. Answers how many. As each verb that takes
   * a {@link Decision} it adds that to the audit, or its number to the row that has the same id.
   */
  redrive(redrive: Redrive, decision: Decision, now: Date): Promise<number>;
  /** Ends pending deliveries that nobody holds, and dead letters. Answers how many. */
  dismiss(dismissal: Dismissal, decision: Required<Decision>, now: Date): Promise<number>;
  /**
   * Adds deliveries of stored events, once per `(event, handler, replayId)`, and none of events that were erased.
   * Answers how many were new.
   */
  replay(replayId: string, events: readonly AddedDeliveries[], decision: Decision, now: Date): Promise<number>;
  /** Makes messages `stored` again, so that they are read once more. Answers how many. */
  reparse(reparse: Reparse, decision: Decision, now: Date): Promise<number>;
  /**
   * Makes messages `erased`: without body, headers, reason and notes; their events without data, attempts without the
   * words of their errors, tasks gone, deliveries that were pending or dead dismissed with the reason `erased`. The key by
   * which a duplicate is known stays, and so does the state of the run. Leaves alone what a handler runs with just now.
   */
  erase(erasure: Erasure, decision: Decision, now: Date): Promise<Erased>;
  /**
   * Removes what is old, in one small step, decisions in the audit included; never a message that has to be read, or whose deliveries or tasks are not
   * done. Answers how many rows went: none when there is nothing left to do, or when the brake holds the rest back.
   */
  purge(purge: Purge): Promise<Purged>;
  /**
   * Makes due sooner what a wrong clock put off: leases that end later than they can, and what {@link soonerDueAtMs}
   * names of deliveries. Messages and tasks that nobody holds are due at once; a task that is looked at too early is put
   * off again. Counts only what was impossible. In steps: the answer says where to go on.
   */
  pullBack(pullBack: PullBack): Promise<PulledBack>;
  /**
   * Optional, for a store that several hosts share: the time by the one clock that they share. It then decides in place
   * of each host's own.
   */
  now?(): Promise<Date>;
  /**
   * Optional, for a store that several processes share: `wake` is to be called when another one made something due, and
   * when it may have done so unheard. A hint: who is not woken looks once a second. Called once, before work begins.
   */
  onWork?(wake: () => void): void;
  /**
   * Optional, for a store that handlers can write to: runs `work` in a transaction of its database, then settles the
   * delivery as {@link settle} does, and commits both or neither. Answers false, with neither written, if the claim was
   * lost meanwhile. Rejects as `work` does. A transaction that is still open when `signal` is aborted is rolled back.
   */
  settleWith?(
    work: (tx: InboxTransaction) => Promise<unknown>,
    settlement: () => Settlement,
    signal: AbortSignal,
  ): Promise<boolean>;
  /** Finishes what was begun and lets go of the files or connections. May be called again. */
  close(): Promise<void>;
}

/** What `sqliteInbox(…)` makes: a configured inbox that is opened once at boot. */
export interface StoreFactory {
  /** Nothing is opened or read before {@link Store.open}. */
  createStore(logger: Logger): Store;
}
