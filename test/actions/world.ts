import type { Random } from '../crash/random.js';
import type { Account, AccountJob, AccountRun } from './account.js';

/**
 * What a job is for. Runs of `once`, `twice` and `again-retry` fail. A success of `start` and `again-start` starts another job.
 * Runs of `stuck` do not end.
 */
export const JOB_KINDS = ['once', 'twice', 'again-retry', 'start', 'again-start', 'stuck'] as const;

export type JobKind = (typeof JOB_KINDS)[number];

/** Shares of the kinds. */
const SHARES: readonly JobKind[] = [
  'once',
  'once',
  'once',
  'twice',
  'twice',
  'start',
  'start',
  'start',
  'stuck',
  'stuck',
];
const AGAIN: readonly JobKind[] = ['again-retry', 'again-start'];

/** Chances of a run. */
const IS_AGAIN = 0.1;
const HAS_NO_RESULTS = 0.1;
const RETRY_FAILS = 0.4;
/** A run that is canceled ends by itself at about the same time. */
const ENDS_LATE = 0.15;
const TARGET_IS_BUSY = 0.15;
/** A later run begins before the failed one is retried. */
const IS_OVERTAKEN = 0.15;
/** Jobs of each kind in an account. */
const JOBS = 6;

/** A job, which has one run at a time that a handler does something about. */
interface Place {
  readonly account: Account;
  readonly kind: JobKind;
  readonly job: AccountJob;
  /** The job that it starts. */
  readonly target?: AccountJob;
  /** Run whose action is not over. */
  current?: AccountRun['id'];
}

interface Script {
  readonly account: Account;
  readonly id: string;
  readonly startAt: number;
  readonly endAt: number;
  readonly end: 'succeed' | 'fail' | 'fail early';
}

/** Jobs of accounts, whose runs need actions. */
export class World {
  readonly #accounts: readonly Account[];
  readonly #random: Random;
  readonly #places: readonly Place[];
  readonly #isOver: (source: string, runId: string) => boolean;
  /** Runs that the world began, by source and id. All others were started through the API. */
  readonly began = new Set<string>();
  /** Runs that succeeded or failed, in the order in which they did. */
  readonly ended: string[] = [];
  readonly #known = new Set<string>();
  #scripts: readonly Script[] = [];
  #step = 0;

  /** @param isOver returns whether a handler has done what it does about a run */
  constructor(accounts: readonly Account[], random: Random, isOver: (source: string, runId: string) => boolean) {
    this.#accounts = accounts;
    this.#random = random;
    this.#isOver = isOver;
    this.#places = accounts.flatMap((account) =>
      JOB_KINDS.flatMap((kind) => Array.from({ length: JOBS }, (_, index) => this.#place(account, kind, index))),
    );
  }

  /** Jobs to start, by the source and the id or name of the job that starts them. */
  readonly downstream = new Map<string, string>();

  /** Whether a run has not ended, besides those that do not end by themselves. */
  get isBusy(): boolean {
    return this.#scripts.some(({ endAt }) => endAt < Infinity);
  }

  /** Begins a run of a job of a random kind. Returns `false` if all of them wait for an action. */
  begin(): boolean {
    const kind = this.#random.pick(this.#random.chance(IS_AGAIN) ? AGAIN : SHARES) ?? 'once';
    const free = this.#places.filter((place) => place.kind === kind && this.#isFree(place));
    const place = this.#random.pick(free);
    if (!place) return false;
    const { account, job, target } = place;
    const run = job.queue();
    place.current = run.id;
    this.#know(account, run);
    const startAt = this.#step + 1;
    const endsLate = kind === 'stuck' && this.#random.chance(ENDS_LATE);
    const steps = kind !== 'stuck' ? this.#random.between(1, 5) : endsLate ? this.#random.between(25, 36) : Infinity;
    const isGood = kind === 'stuck' || kind.endsWith('start');
    const end = isGood ? 'succeed' : this.#random.chance(HAS_NO_RESULTS) ? 'fail early' : 'fail';
    const endAt = startAt + Math.ceil(steps);
    this.#script({ account, id: run.id, startAt, endAt, end });
    if (target && this.#random.chance(TARGET_IS_BUSY)) this.#occupy(account, target, endAt);
    if (!isGood && this.#random.chance(IS_OVERTAKEN)) this.#occupy(account, job, endAt);
    return true;
  }

  /** Lets everything happen that is due in the next step. */
  async tick(): Promise<void> {
    this.#step += 1;
    for (const account of this.#accounts) {
      for (const run of account.runs()) if (!this.#known.has(keyOf(account, run.id))) this.#notice(account, run);
    }
    const due = this.#scripts;
    this.#scripts = [];
    for (const script of due) {
      const run = script.account.runs().find(({ id }) => id === script.id);
      if (!run?.isOpen) continue;
      if (script.startAt <= this.#step && run.isQueued) await run.start();
      if (script.endAt > this.#step) {
        this.#scripts = [...this.#scripts, script];
        continue;
      }
      this.ended.push(keyOf(script.account, run.id));
      await (script.end === 'succeed' ? run.succeed() : run.fail(script.end === 'fail'));
    }
  }

  #place(account: Account, kind: JobKind, index: number): Place {
    const name = `${kind}-${index}`;
    const job = account.addJob(name);
    if (!kind.endsWith('start')) return { account, kind, job };
    const target = account.addJob(`after-${name}`);
    for (const one of [name, job.id]) this.downstream.set(`${account.source} ${one}`, target.id);
    return { account, kind, job, target };
  }

  #isFree({ account, current, job, target }: Place): boolean {
    if (current === undefined) return true;
    const jobs = [job.id, target?.id];
    return (
      this.#isOver(account.source, current) && !account.runs().some((run) => run.isOpen && jobs.includes(run.jobId))
    );
  }

  /** Lets a run begin that nothing is done about, or whose failure comes later. */
  #occupy(account: Account, job: AccountJob, step: number): void {
    const run = job.queue();
    this.#know(account, run);
    this.#script({ account, id: run.id, startAt: step, endAt: step + 8, end: 'succeed' });
  }

  /** Lets a run happen that was started through the API. */
  #notice(account: Account, run: AccountRun): void {
    this.#known.add(keyOf(account, run.id));
    const startAt = this.#step + Math.floor(this.#random.between(0, 3));
    const endAt = startAt + Math.ceil(this.#random.between(1, 5));
    const fails = run.retryOf !== undefined && this.#random.chance(RETRY_FAILS);
    this.#script({ account, id: run.id, startAt, endAt, end: fails ? 'fail' : 'succeed' });
  }

  #know(account: Account, { id }: AccountRun): void {
    this.#known.add(keyOf(account, id));
    this.began.add(keyOf(account, id));
  }

  #script(script: Script): void {
    this.#scripts = [...this.#scripts, script];
  }
}

export function keyOf({ source }: Pick<Account, 'source'>, runId: string): string {
  return `${source}/${runId}`;
}
