import type { ApiPhase, OpenRun } from '../sources/provider-api.js';
import type { ApiFacts, RunKey } from '../runs/run-state.js';
import type { Decision } from './decision.js';
import type { Appended, ReportedMessage } from './new-message.js';

/** Source whose rounds this process runs. */
export interface RoundRegistration {
  readonly source: string;
  /** Kinds of its rounds. */
  readonly kinds: readonly string[];
}

/** Options for a claim of a round. */
export interface RoundClaim {
  readonly source: string;
  /** Rounds that this process can run. */
  readonly rounds: readonly {
    readonly kind: string;
    /** Latest due time that a correct clock can have produced. A round that is due later is due now. */
    readonly latestDueAt: Date;
  }[];
  /** Current time. */
  readonly now: Date;
  /** Duration of the lease, in milliseconds. */
  readonly leaseMs: number;
  /** Token that no other claim has. It begins with the `lease` of the process and a period. */
  readonly lease: string;
  /** Whether a round that is not due and not claimed can be claimed as well. @default false */
  readonly early?: boolean;
}

/** Round that this process has claimed. */
export interface ClaimedRound {
  readonly source: string;
  readonly kind: string;
  /** Where an earlier round stopped. Absent before the first one has stored a cursor. */
  readonly cursor?: string;
  /** Failures since the last success. */
  readonly failures: number;
  /** Last failure since the last success: `Name: message`, or only the name of an error that is not from Runhooks. */
  readonly lastError?: string;
}

/** Claimed round and the token of its claim. */
export interface HeldRound extends Pick<ClaimedRound, 'source' | 'kind'> {
  readonly lease: string;
}

/** Extension of a claim. */
export interface RoundRenewal {
  readonly now: Date;
  /** Duration of the lease from now, in milliseconds. */
  readonly leaseMs: number;
  /** Cursor to store. @default the cursor stays as it is */
  readonly cursor?: string;
}

/** End of a round. */
export interface RoundSettlement extends Pick<ClaimedRound, 'failures' | 'lastError'> {
  readonly dueAt: Date;
}

/** Round as the inbox lists it. */
export interface RoundSummary extends ClaimedRound {
  /** Time of the next round. While a round runs, the end of its lease. */
  readonly dueAt: Date;
  /** Whether a worker has claimed it. */
  readonly isRunning: boolean;
}

/** Rounds to make due: all, those of a source, or one of them. */
export interface RoundSelection {
  /** Name of the source. @default all sources */
  readonly source?: string;
  /** Kind of the round. @default all rounds of the source */
  readonly kind?: string;
}

/** Phase of a run that a round has found. */
export interface ReportedPhase extends Pick<RunKey, 'accountId' | 'runId'> {
  readonly phase: ApiPhase;
  /** Key of the message that reports the phase. */
  readonly messageKey: string;
}

/** Difference between a round and the inbox. */
export interface Lacking {
  /** Phases of which the inbox has neither the effect nor a message. */
  readonly phases: readonly ReportedPhase[];
  /** Runs that the inbox knows, but without facts from the API. */
  readonly withoutFacts: readonly RunKey[];
}

/** Facts about a known run from the API. */
export interface NewRunFacts {
  readonly run: RunKey;
  readonly facts: ApiFacts;
  /** Id of the run that it is a retry of. */
  readonly retryOf?: string;
}

/**
 * Port: the part of a store that sources with rounds need. Like those of `Store`, every verb is one atomic and durable
 * step, writes nothing if its lease token is no longer in the row, and rejects with `StoreUnavailableError` if the store
 * is unavailable.
 */
export interface RoundStore {
  /**
   * Registers sources and their rounds. Those that are new are written: the source with `now`, its rounds as due now. A source
   * whose first registration is later than `now` gets `now`, because a clock was ahead. Returns for each source when it was
   * first registered, in the order of `registrations`.
   */
  register(registrations: readonly RoundRegistration[], now: Date): Promise<Date[]>;
  /** Claims the round that has been due longest and is not claimed, or whose lease has expired. */
  claim(claim: RoundClaim): Promise<ClaimedRound | undefined>;
  /** Extends the lease of a round, and stores its cursor. Returns `false` if the claim has been lost. */
  renew(held: HeldRound, renewal: RoundRenewal): Promise<boolean>;
  /** Ends a round. Returns `false` if the claim has been lost. */
  settle(held: HeldRound, settlement: RoundSettlement): Promise<boolean>;
  /** Lists the rounds, sorted by source, then by kind. */
  list(): Promise<RoundSummary[]>;
  /** Makes rounds due now that are neither due nor claimed, and adds the decision to the audit. Returns how many were made due. */
  hasten(selection: RoundSelection, decision: Decision, now: Date): Promise<number>;
  /** Returns until when no process may ask an account of an API, or `undefined` if none was ever stored. */
  cooldownUntil(host: string, accountId: string): Promise<Date | undefined>;
  /**
   * Stores until when no process may ask an account. Of two times, the later one is kept, unless it is later by more than an hour:
   * no cooldown lasts longer, so that a clock that was ahead has stored it.
   */
  coolDown(host: string, accountId: string, until: Date): Promise<void>;
  /**
   * Returns the phases that the inbox lacks, in the given order, and the known runs without facts from the API.
   *
   * - `ended` is known once the run has an outcome or `run.completed` among its types.
   * - `complete` is known once `run.completed` is among its types.
   * - `running` is known once `run.started` is among its types, or `ended` is known.
   * - Any phase is known if a message of the source has its key.
   */
  lacking(source: string, phases: readonly ReportedPhase[]): Promise<Lacking>;
  /**
   * Stores messages of origin `api`, at most 200, each once per `(source, messageKey, digest)`. They are due at once, by any
   * clock. Returns the results in the same order.
   */
  appendReported(messages: readonly ReportedMessage[]): Promise<Appended[]>;
  /** Adds facts to runs that have none. Everything else about the runs stays as it is. */
  addFacts(facts: readonly NewRunFacts[]): Promise<void>;
  /** Returns runs of a source that have started and have neither an outcome nor `run.completed`, the oldest first. */
  openRuns(source: string, limit: number): Promise<OpenRun[]>;
}
