import { setTimeout as sleep } from 'node:timers/promises';
import { CONCURRENCY } from '../crash/crash-app.js';
import { within } from '../crash/process-run.js';
import { Random } from '../crash/random.js';
import { verify, type Verdict } from '../crash/verify.js';
import { planFaults, type Fault } from './faults.js';
import type { Cluster } from './cluster.js';
import { WANTED_IN_CLUSTER } from './exact-handler.js';
import type { Setup } from './options.js';
import { readPostgresEvidence } from './postgres-evidence.js';
import type { Replica } from './replica.js';
import { verifyExact } from './verify-exact.js';

const ACKNOWLEDGED_MS_MAX = 60_000;
const PROGRESS_EVERY_MS = 5_000;
/** Interval of checks for a process that a fault can hit. */
const TARGET_CHECK_MS = 20;

export interface ClusterTestOptions {
  readonly setup: Setup;
  readonly kills: number;
  readonly seconds: number;
  readonly seed: number;
  readonly print: (line: string) => void;
}

export interface ClusterTestResult extends Verdict {
  readonly setup: Setup;
  readonly kills: number;
  /** Restarts of servers. */
  readonly restarts: number;
  readonly flushes: number;
  readonly pauses: number;
  readonly duplicates: number;
  /** Requests that were repeated because they were rejected, cut off, or got a 503. */
  readonly unanswered: number;
  readonly exactEffects: number;
  readonly exactEffectsExpected: number;
  readonly seconds: number;
}

/** Injects faults into a cluster under load, and verifies the result. */
export class ClusterTest {
  readonly #cluster: Cluster;
  readonly #options: ClusterTestOptions;
  readonly #random: Random;
  readonly #startedAtMs = performance.now();
  /** Aborted at the end, so that no further fault is injected. */
  readonly #over = new AbortController();
  #kills = 0;
  #pauses = 0;

  constructor(cluster: Cluster, options: ClusterTestOptions) {
    this.#cluster = cluster;
    this.#options = options;
    this.#random = new Random(options.seed);
  }

  async run(): Promise<ClusterTestResult> {
    const { sender } = this.#cluster;
    const progress = setInterval(() => this.#progress(), PROGRESS_EVERY_MS);
    try {
      await this.#cluster.untilReady();
      sender.start();
      await this.#injectAll();
      this.#print('no more faults; waiting until all messages are acknowledged');
      const finishing = sender.finish().then(() => true);
      if (!(await within(ACKNOWLEDGED_MS_MAX, finishing))) {
        throw new Error(`messages are still unacknowledged ${ACKNOWLEDGED_MS_MAX} ms after the last fault`);
      }
      this.#print('waiting until all messages are handled');
      await this.#cluster.untilReady();
      await this.#cluster.untilIdle();
      await Promise.all(this.#cluster.replicas.map((replica) => replica.stop()));
      return await this.#verify();
    } finally {
      clearInterval(progress);
      this.#over.abort();
    }
  }

  async #injectAll(): Promise<void> {
    const { kills, seconds, setup } = this.#options;
    const startMs = performance.now();
    const faults = planFaults({ kills, seconds, hasRedis: setup === 'bullmq' }, this.#random);
    await Promise.all(
      faults.map(async ({ fault, atMs }) => {
        await this.#until(startMs + atMs);
        await this.#inject(fault);
      }),
    );
    await this.#until(startMs + seconds * 1_000);
  }

  async #until(timeMs: number): Promise<void> {
    await sleep(timeMs - performance.now(), undefined, { signal: this.#over.signal });
  }

  async #inject(fault: Fault): Promise<void> {
    const { servers } = this.#cluster;
    if (fault === 'restart-postgres') await servers.restartPostgres();
    else if (fault === 'restart-redis') await servers.restartRedis();
    else if (fault === 'flush-redis') await servers.flushRedis();
    else if (fault === 'kill') await this.#kill();
    else await this.#pause();
  }

  async #kill(): Promise<void> {
    for (let isKilled = false; !isKilled;) isKilled = await (await this.#target(() => true)).kill();
    this.#kills += 1;
  }

  /** Pauses a running worker, because a starting one holds no lease that it could lose. */
  async #pause(): Promise<void> {
    const target = await this.#target(({ role, port }) => role === 'worker' && port !== undefined);
    await target.pause();
    this.#pauses += 1;
  }

  async #target(isMeant: (replica: Replica) => boolean): Promise<Replica> {
    for (;;) {
      const target = this.#random.pick(
        this.#cluster.replicas.filter((replica) => replica.canBeHit && isMeant(replica)),
      );
      if (target) return target;
      await this.#until(performance.now() + TARGET_CHECK_MS);
    }
  }

  async #verify(): Promise<ClusterTestResult> {
    const { servers, sender, plan, processRuns, ledger } = this.#cluster;
    const evidence = await readPostgresEvidence(servers.postgres.url, ledger);
    // A receiver must run no handler, so its kills explain no repeated attempt.
    const workers = processRuns.filter(({ role }) => role === 'worker');
    const verdict = verify(evidence, {
      runs: plan.runs,
      acknowledged: sender.acknowledged,
      wanted: WANTED_IN_CLUSTER,
      killed: new Set(workers.filter(({ end }) => end === 'killed').map(({ number }) => number)),
      paused: new Map(workers.filter(({ pauses }) => pauses > 0).map(({ number, pauses }) => [number, pauses])),
      concurrency: CONCURRENCY,
    });
    const exact = verifyExact(evidence, plan.runs);
    return {
      setup: this.#options.setup,
      ...verdict,
      kills: this.#kills,
      restarts: servers.restarts,
      flushes: servers.flushes,
      pauses: this.#pauses,
      duplicates: sender.duplicates,
      unanswered: sender.unanswered,
      exactEffects: exact.effects,
      exactEffectsExpected: exact.expected,
      problems: [...sender.problems, ...verdict.problems, ...exact.problems],
      seconds: this.#seconds(),
    };
  }

  #progress(): void {
    const { sender, servers, left } = this.#cluster;
    this.#print(
      left ??
        `kills ${this.#kills}/${this.#options.kills}, restarts ${servers.restarts}, pauses ${this.#pauses}, ` +
          `acknowledged ${sender.acknowledged.size}, duplicates ${sender.duplicates}, sent again ${sender.unanswered}`,
    );
  }

  #seconds(): number {
    return (performance.now() - this.#startedAtMs) / 1_000;
  }

  #print(line: string): void {
    this.#options.print(`[${this.#seconds().toFixed(0).padStart(4)}s] on ${this.#options.setup}: ${line}`);
  }
}
