import type { Random } from '../crash/random.js';
import type { Account, AccountRun, Cause } from './account.js';
import type { Outcome, WorldJob, WorldRun } from './world-run.js';

export const MINUTE_MS = 60_000;
const RUNS_A_DAY = 2;

/** Shares of runs that lose, repeat, delay or reorder their webhooks. */
const FAULT = 0.25;
const CANCELED = 0.15;
const FAILED = 0.25;

/** An account whose jobs run at random times. */
export class World {
  readonly jobs: readonly WorldJob[];
  /** By id. */
  readonly runs = new Map<string, WorldRun>();
  readonly #account: Account;
  readonly #random: Random;
  readonly #now: () => Date;
  readonly #queues: readonly ((cause: Cause) => AccountRun)[];
  /** What happens next, by the minute since the start. */
  readonly #plan = new Map<number, (() => Promise<void>)[]>();
  #subscription: ReturnType<Account['subscribe']> | undefined;
  #minute = 0;
  #open = 0;

  constructor(account: Account, random: Random, jobs: number, now: () => Date) {
    this.#account = account;
    this.#random = random;
    this.#now = now;
    this.jobs = Array.from({ length: jobs }, (_, index) => jobOf(index, account.hasStrangers));
    this.#queues = this.jobs.map((job) => account.addJob(job));
  }

  /** Number of runs that have not ended. */
  get open(): number {
    return this.#open;
  }

  /**
   * Plans the runs of all jobs.
   *
   * @param installAt minute at which the app is installed
   * @param until minute before which the last run is queued
   */
  plan(installAt: number, until: number): void {
    for (const [index, job] of this.jobs.entries()) {
      if (job.isSore) {
        this.#planRun(index, this.#random.between(0, installAt - 3 * 60), 'failed');
        this.#planRun(index, this.#random.between(installAt + 60, until), 'failed');
        continue;
      }
      const everyMinutes = (24 * 60) / RUNS_A_DAY;
      for (let at = this.#random.between(0, everyMinutes); at < until; at += everyMinutes) {
        this.#planRun(index, Math.min(at + this.#random.between(0, everyMinutes / 2), until));
      }
    }
  }

  /** Subscribes the app to the webhooks of its jobs. */
  subscribe(url: string): void {
    const jobs = this.jobs.filter(({ isSubscribed }) => isSubscribed);
    this.#subscription = this.#account.subscribe(url, jobs);
  }

  switchSubscription(on: boolean): void {
    if (on) this.#subscription?.activate();
    else this.#subscription?.deactivate();
  }

  /** Lets everything happen that is planned for the next minute. */
  async tick(): Promise<void> {
    this.#minute += 1;
    const actions = this.#plan.get(this.#minute) ?? [];
    this.#plan.delete(this.#minute);
    for (const action of actions) await action();
  }

  #planRun(index: number, minute: number, outcome = this.#outcome()): void {
    const random = this.#random;
    const job = this.jobs[index] as WorldJob;
    const cause = random.pick(this.#account.causes) as Cause;
    const queuedAt = Math.floor(minute) + 1;
    const startedAt = queuedAt + Math.floor(random.between(0, 4));
    // Sometimes a run starts and ends between two sweeps.
    const endedAt = startedAt + Math.floor(random.chance(0.3) ? 0 : random.between(1, 100));
    const isCanceledInQueue = outcome === 'canceled' && random.chance(0.5);
    const withoutEnd = random.chance(0.3);
    let run: AccountRun | undefined;
    this.#at(queuedAt, async () => {
      run = this.#queues[index]?.(cause) as AccountRun;
      this.#open += 1;
      this.runs.set(run.id, { id: run.id, job, trigger: cause.trigger, outcome });
    });
    if (!isCanceledInQueue) {
      this.#at(startedAt, async () => {
        this.#disturb(1);
        await run?.start();
      });
    }
    this.#at(endedAt, async () => {
      this.#disturb(outcome === 'failed' ? this.#account.webhooksOfFailure : 1);
      if (outcome === 'canceled') await run?.cancel(isCanceledInQueue ? {} : { withoutEnd });
      else await (outcome === 'failed' ? run?.fail() : run?.succeed());
      this.#open -= 1;
      const known = this.runs.get(run?.id ?? '');
      if (known) known.endedAt = this.#now();
    });
  }

  #outcome(): Outcome {
    if (this.#random.chance(CANCELED)) return 'canceled';
    return this.#random.chance(FAILED) ? 'failed' : 'succeeded';
  }

  /** Switches on a fault for the next webhooks. */
  #disturb(count: number): void {
    if (!this.#random.chance(FAULT)) return;
    const { faults } = this.#account;
    const delayMs = Math.floor(this.#random.between(0, 300)) * MINUTE_MS;
    const disturb = this.#random.pick([
      () => faults.loseWebhooks(count),
      () => faults.loseWebhooks(count),
      () => faults.repeatWebhooks(count),
      () => faults.delayWebhooks(delayMs, count),
      () => faults.reorderWebhooks(2),
    ]);
    disturb?.();
  }

  #at(minute: number, action: () => Promise<void>): void {
    const actions = this.#plan.get(minute);
    if (actions) actions.push(action);
    else this.#plan.set(minute, [action]);
  }
}

/** Ids and names are fixed, because the filters of `unheard-app.ts` name some of them. */
function jobOf(index: number, hasStrangers: boolean): WorldJob {
  return {
    id: String(700_000 + index),
    name: `${index % 2 === 0 ? 'nightly' : 'hourly'}-${index}`,
    project: ['sales', 'marketing', 'finance'][index % 3] as string,
    environment: index % 4 === 0 ? 'Staging' : 'Production',
    isSubscribed: !hasStrangers || index % 20 !== 19,
    isSore: index % 10 === 7,
  };
}
