import type { ActionAnswer, ProviderAction } from './provider-action.js';
import type { ResultsReader } from './results-reader.js';

/**
 * Port: access of a source to the API of its provider. Only workers use it: a receiver needs no tokens.
 */
export interface ProviderApi {
  /** Typed client, as `@InjectProviderApi` injects it. */
  readonly client: object;
  /** Features that are switched off because an option is missing, one sentence each. Workers log them at startup. */
  readonly switchedOff: readonly string[];
  /** Runs that the rounds look for, and their scope, as one sentence for the startup log; absent without rounds. */
  readonly sweeps?: string;
  /** Accounts and jobs that the rounds look at. No two sources may look at the same jobs. @default overlaps are not detected */
  readonly scope?: readonly ApiScope[];
  /** Recurring work of the source. */
  readonly rounds: readonly Round[];
  /** Reads results of runs. Absent if the source has no token for it. */
  readonly results?: ResultsReader;
}

/** Jobs that the rounds of a source look at. */
export interface ApiScope {
  /**
   * Identity of the account or workspace: the host of the API and the account's id, without tokens. `*` matches any
   * characters, for an id that only the token knows.
   */
  readonly account: string;
  /** Ids or names of the jobs, in which `*` matches any characters. @default all jobs of the account */
  readonly jobs?: readonly string[];
}

/** Recurring work of a source. Of all workers one runs it at a time, under a lease. It never becomes a dead letter. */
export interface Round {
  /** Unique within its source. */
  readonly kind: string;
  /** Time between the end of a round and the start of the next one, in milliseconds. */
  readonly everyMs: number;
  /**
   * Runs the round. If it rejects, the error is stored, and the round starts again from the last cursor. The message of an error
   * that is not an `OwnError` is left out, because it may quote an answer of the API.
   */
  run(context: RoundContext): Promise<void>;
}

/** Means of a round. */
export interface RoundContext {
  readonly source: string;
  /** Where an earlier round stopped; `undefined` in the first one. */
  readonly cursor: string | undefined;
  /** When this source was first registered in the inbox. Runs that ended before are history. */
  readonly since: Date;
  /** Aborted when the process stops, or when another worker took the round over. */
  readonly signal: AbortSignal;
  /** Returns the time of the clock that decides. */
  now(): Date;
  /**
   * Appends what the inbox lacks of these runs as messages of origin `api`, and resolves when it is stored. It also renews
   * the lease. At most 200 runs a call.
   */
  report(runs: readonly ReportedRun[]): Promise<void>;
  /**
   * Returns for each run whether the inbox lacks one of its phases, in the same order. A round that needs a call for each
   * body asks first. It reports the other runs as well, without what needs a call: the inbox may lack facts about them.
   */
  lacking(runs: readonly Pick<ReportedRun, 'accountId' | 'runId' | 'phases'>[]): Promise<readonly boolean[]>;
  /** Stores the cursor. Everything before it must have been reported. */
  moveTo(cursor: string): Promise<void>;
  /** Returns runs of the source that have started and not ended, as far as the inbox knows, the oldest first. */
  openRuns(limit: number): Promise<readonly OpenRun[]>;
}

/** Phase of a run, as the API reports it. `running` starts it, `ended` has its outcome, `complete` is its last phase. */
export type ApiPhase = 'running' | `ended:${string}` | `complete:${string}`;

/** A run that a round has found. */
export interface ReportedRun {
  readonly accountId: string;
  readonly runId: string;
  /** Phases that the API reports, in their order. Each is one message at most, whatever the run object contains later. */
  readonly phases: readonly ApiPhase[];
  /** When it ended by the API, if it did. */
  readonly endedAt?: Date;
  /** The run and what else `Provider.parseReported` needs. It becomes the body, as JSON, together with the phase. */
  readonly body: object;
}

/** A run that has started and not ended. */
export interface OpenRun {
  readonly accountId: string;
  readonly runId: string;
  readonly jobKey: string;
  readonly startedAt?: Date;
}

/** Services of the host that a client of an API needs. */
export interface ApiHost {
  /** Returns the time of the clock that decides. */
  now(): Date;
  /** Returns until when no process may ask this account, or `undefined`. All processes share it. */
  cooldownUntil(host: string, accountId: string): Promise<Date | undefined>;
  /** Stores that no process may ask this account before a time. If it rejects, the time still holds in this process. */
  coolDown(host: string, accountId: string, until: Date): Promise<void>;
  /**
   * Carries out an action of the source, once per key: its intent is stored before the call, and after a crash or a lost answer it
   * is looked for before any other call.
   *
   * @throws {ActionRefusedError} if it is refused.
   * @throws {ActionUnknownError} if three look-ups found nothing, so that an operator must decide.
   * @throws {ActionPendingError} if its result is not known yet. A delivery waits, without a counted attempt.
   * @throws {ProviderApiError} if a call fails after which nothing was carried out.
   */
  act(action: ProviderAction): Promise<ActionAnswer>;
}
