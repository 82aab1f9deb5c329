import type { ManualClock } from 'nestjs-runhooks/testing';
import type { Random } from '../../crash/random.js';
import type { Account, AccountRun, Isolation } from './account.js';
import { commandsOf, executed, hasFailed, RETRY, retried } from './plan-steps.js';
import { Project } from './project.js';
import type { JobKind, PlannedStep, WorldJob, WorldRun } from './world-run.js';

const MINUTE_MS = 60_000;
/** Minutes after which Runhooks does not wait for the files of a run any more. */
const PATIENCE = 10;

/** Chances of a run. */
const WEBHOOKS_ARE_FAULTY = 0.25;
const IS_CANCELED = 0.05;
const DIES_EARLY = 0.03;
const IS_RETRIED = 0.3;
const IS_ISOLATED = 0.05;
const IS_SLOW_TO_SAVE = 0.05;
const IS_LATE = 0.02;
const IS_IN_BURST = 0.5;
/** Chance of each project, each time that something runs in it. */
const IS_REFACTORED = 0.02;

/** A job, and how its runs begin in the fake. */
interface Place {
  readonly account: Account;
  readonly job: WorldJob;
  readonly project: Project;
  readonly queue: ReturnType<Account['addJob']>;
}

/** Jobs of accounts, whose runs execute nodes at random times. */
export class World {
  /** Runs that have ended, in the order in which they did. */
  readonly runs: WorldRun[] = [];
  readonly #random: Random;
  readonly #clock: ManualClock;
  readonly #places: readonly Place[];
  /** What happens next, by the number of the step. */
  readonly #plan = new Map<number, (() => Promise<void>)[]>();
  #step = 0;

  constructor(accounts: readonly Account[], random: Random, clock: ManualClock) {
    this.#random = random;
    this.#clock = clock;
    const projects = new Map<string, Project>();
    this.#places = accounts.flatMap((account) =>
      jobsOf(account.source).map((job) => {
        const name = `${account.source} ${job.project} ${job.environment}`;
        const project = projects.get(name) ?? new Project(random, job.project === CALM);
        projects.set(name, project);
        return { account, job, project, queue: account.addJob(job) };
      }),
    );
  }

  /** Whether a run has not ended. */
  get isBusy(): boolean {
    return this.#plan.size > 0;
  }

  get jobs(): number {
    return this.#places.length;
  }

  /** Plans one run of each job without any fault, from this step on. */
  planOneEach(step: number): void {
    for (const place of this.#places) this.#planRun(place, step, false);
  }

  /** Plans runs of random jobs, up to a step. Many begin at the same time. */
  plan(runs: number, from: number, to: number): void {
    const bursts = Array.from({ length: Math.ceil(runs / 20) }, () => this.#stepIn(from, to));
    for (let count = 0; count < runs; count += 1) {
      const step = this.#random.chance(IS_IN_BURST) ? this.#random.pick(bursts) : this.#stepIn(from, to);
      this.#planRun(this.#random.pick(this.#places) as Place, step ?? from, true);
    }
  }

  /** Lets everything happen that is planned for the next step. */
  async tick(): Promise<void> {
    this.#step += 1;
    const actions = this.#plan.get(this.#step) ?? [];
    this.#plan.delete(this.#step);
    for (const action of actions) {
      // No two runs end at the same time, so that one of them is the later one.
      this.#clock.advance(1_000);
      await action();
    }
  }

  #planRun(place: Place, step: number, hasFaults: boolean, retryOf?: WorldRun): void {
    const random = this.#random;
    const { job, account } = place;
    const isolation = isolationOf(place, hasFaults, random);
    const isCanceled = hasFaults && random.chance(IS_CANCELED);
    const startedAt = step + Math.floor(random.between(0, 2));
    const endedAt = startedAt + Math.floor(random.between(0, 12));
    let began: AccountRun | undefined;
    this.#at(step, async () => {
      const commands = retryOf ? [RETRY[0]] : commandsOf(job.kind);
      began = place.queue({
        commands,
        ...(retryOf && { retryOf: retryOf.id }),
        ...(isolation !== undefined && { isolation }),
      });
    });
    this.#at(startedAt, async () => {
      if (hasFaults) this.#disturb(account, 1);
      await began?.start();
    });
    this.#at(endedAt, async () => {
      const run = began as AccountRun;
      const now = this.#clock.now();
      if (hasFaults) this.#disturb(account, 2);
      const steps = isCanceled || (hasFaults && random.chance(DIES_EARLY)) ? [] : this.#steps(place, run, retryOf);
      const isFailed = steps.length === 0 || hasFailed(steps);
      const outcome = isCanceled ? 'canceled' : isFailed ? 'failed' : 'succeeded';
      const isLate = hasFaults && random.chance(IS_LATE);
      const known: WorldRun = {
        id: run.id,
        source: account.source,
        job,
        outcome,
        isIsolated: isolation !== undefined,
        steps,
        isLate,
        endedAt: now,
      };
      this.runs.push(known);
      const isSlow = hasFaults && random.chance(IS_SLOW_TO_SAVE);
      const minutes = isLate ? random.between(PATIENCE, 12 * 60) : isSlow ? random.between(1, PATIENCE - 1) : 0;
      account.faults.delayArtifacts(Math.floor(minutes) * MINUTE_MS);
      if (outcome === 'canceled') await run.cancel();
      else await run.end({ outcome, steps });
      account.faults.delayArtifacts(0);
      const canBeRetried = hasFaults && !retryOf && unfinishedNodes(known).length > 0;
      if (canBeRetried && random.chance(IS_RETRIED)) {
        this.#planRun(place, this.#step + 1, true, known);
      }
    });
  }

  #steps({ job, project }: Place, { id }: AccountRun, retryOf: WorldRun | undefined): PlannedStep[] {
    if (this.#random.chance(IS_REFACTORED)) project.refactor();
    const where = `run ${id}`;
    return retryOf
      ? retried(unfinishedNodes(retryOf), project, where, this.#random)
      : executed(job.kind, project, where, this.#random);
  }

  /** Switches on a fault for the next webhooks. */
  #disturb({ faults }: Account, count: number): void {
    if (!this.#random.chance(WEBHOOKS_ARE_FAULTY)) return;
    const delayMs = Math.floor(this.#random.between(0, 300)) * MINUTE_MS;
    const disturb = this.#random.pick([
      () => faults.loseWebhooks(count),
      () => faults.repeatWebhooks(count),
      () => faults.delayWebhooks(delayMs, count),
      () => faults.reorderWebhooks(2),
    ]);
    disturb?.();
  }

  #stepIn(from: number, to: number): number {
    return Math.floor(this.#random.between(from, to));
  }

  #at(step: number, action: () => Promise<void>): void {
    const actions = this.#plan.get(step);
    if (actions) actions.push(action);
    else this.#plan.set(step, [action]);
  }
}

/** Returns the nodes that a retry of a run runs again. */
function unfinishedNodes({ steps }: WorldRun): string[] {
  const last = steps.at(-1)?.nodes ?? [];
  return last.filter(({ outcome }) => outcome === 'failed' || outcome === 'skipped').map(({ id }) => id);
}

function isolationOf({ job, account }: Place, hasFaults: boolean, random: Random): Isolation | undefined {
  if (job.kind === 'ci') return 'pull request';
  return hasFaults && random.chance(IS_ISOLATED) ? random.pick(account.isolations) : undefined;
}

/** A project whose nodes hardly ever fail, and whose jobs are all hourly: the inbox leaves most of their results unread. */
const CALM = 'calm';

/** Project, environment, and the kinds of jobs there. Those with a target have no look at sources, whose files tell none. */
const JOBS: readonly (readonly [source: string, project: string, environment: string, kinds: readonly JobKind[]])[] = [
  ['dbt', 'shop', 'Production', ['build', 'run and test', 'freshness', 'docs', 'subset', 'wide', 'parse', 'ci']],
  ['dbt', 'shop', 'Staging', ['build', 'docs', 'subset']],
  ['dbt', 'finance', 'Production', ['build', 'freshness']],
  ['dbt', CALM, 'Production', ['build', 'run and test', 'docs']],
  ['bolt', 'analytics', 'production', ['build', 'run and test', 'freshness', 'docs', 'parse', 'ci']],
  ['bolt', 'analytics', 'staging', ['build', 'subset']],
];

function jobsOf(source: string): WorldJob[] {
  return JOBS.filter((one) => one[0] === source).flatMap(([, project, environment, kinds]) =>
    kinds.map((kind, index) => {
      // The results of hourly jobs are asked for by handlers of nodes only.
      const isNightly = index % 2 === 0 && project !== CALM;
      const name = `${isNightly ? 'nightly' : 'hourly'}-${project}-${environment}-${kind.replaceAll(' ', '-')}`;
      const hasTarget = environment.toLowerCase() === 'staging';
      return { name, project, environment, kind, ...(hasTarget && { target: index === 0 ? 'eu' : 'staging' }) };
    }),
  );
}
