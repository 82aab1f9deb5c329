import { setTimeout as sleep } from 'node:timers/promises';
import { CONCURRENCY } from '../crash/crash-app.js';
import { within } from '../crash/life.js';
import { Random } from '../crash/random.js';
import { verify, type Verdict } from '../crash/verify.js';
import { planBlows, type Blow } from './blows.js';
import type { Cluster } from './cluster.js';
import { WANTED_IN_CLUSTER } from './exact-handler.js';
import type { Setup } from './options.js';
import { readPostgresEvidence } from './postgres-evidence.js';
import type { Replica } from './replica.js';
import { verifyExact } from './verify-exact.js';

const ACKNOWLEDGED_MS_MAX = 60_000;
const PROGRESS_EVERY_MS = 5_000;
/** Until one of the processes that a blow could meet stands again. */
const TARGET_LOOK_MS = 20;

export interface OrdealOptions {
  readonly setup: Setup;
  readonly kills: number;
  readonly seconds: number;
  readonly seed: number;
  readonly say: (line: string) => void;
}

export interface OrdealResult extends Verdict {
  readonly setup: Setup;
  readonly kills: number;
  /** Of servers. */
  readonly restarts: number;
  readonly flushes: number;
  readonly pauses: number;
  readonly duplicates: number;
  /** Sendings that had to be repeated: refused, cut off, or answered 503. */
  readonly unanswered: number;
  readonly exactEffects: number;
  readonly exactEffectsExpected: number;
  readonly seconds: number;
}

/** What a cluster goes through, under load all the while, and what is left of it. */
export class Ordeal {
  readonly #cluster: Cluster;
  readonly #options: OrdealOptions;
  readonly #random: Random;
  readonly #startedAtMs = performance.now();
  /** Aborted when it is over: nothing more is struck. */
  readonly #over = new AbortController();
  #kills = 0;
  #pauses = 0;

  constructor(cluster: Cluster, options: OrdealOptions) {
    this.#cluster = cluster;
    this.#options = options;
    this.#random = new Random(options.seed);
  }

  async run(): Promise<OrdealResult> {
    const { sender } = this.#cluster;
    const progress = setInterval(() => this.#progress(), PROGRESS_EVERY_MS);
    try {
      await this.#cluster.untilReady();
      sender.start();
      await this.#strikeAll();
      this.#say('no more blows; waiting until all is acknowledged');
      const finishing = sender.finish().then(() => true);
      if (!(await within(ACKNOWLEDGED_MS_MAX, finishing))) {
        throw new Error(`messages are not acknowledged ${ACKNOWLEDGED_MS_MAX} ms after the last blow`);
      }
      this.#say('waiting until all is handled');
      await this.#cluster.untilReady();
      await this.#cluster.untilIdle();
      await Promise.all(this.#cluster.replicas.map((replica) => replica.stop()));
      return await this.#judge();
    } finally {
      clearInterval(progress);
      this.#over.abort();
    }
  }

  async #strikeAll(): Promise<void> {
    const { kills, seconds, setup } = this.#options;
    const startMs = performance.now();
    const blows = planBlows({ kills, seconds, hasRedis: setup === 'bullmq' }, this.#random);
    await Promise.all(
      blows.map(async ({ blow, atMs }) => {
        await this.#until(startMs + atMs);
        await this.#strike(blow);
      }),
    );
    await this.#until(startMs + seconds * 1_000);
  }

  async #until(timeMs: number): Promise<void> {
    await sleep(timeMs - performance.now(), undefined, { signal: this.#over.signal });
  }

  async #strike(blow: Blow): Promise<void> {
    const { servers } = this.#cluster;
    if (blow === 'restart-postgres') await servers.restartPostgres();
    else if (blow === 'restart-redis') await servers.restartRedis();
    else if (blow === 'flush-redis') await servers.flushRedis();
    else if (blow === 'kill') await this.#kill();
    else await this.#pause();
  }

  async #kill(): Promise<void> {
    for (let isKilled = false; !isKilled;) isKilled = await (await this.#target(() => true)).kill();
    this.#kills += 1;
  }

  /** Of a dispatcher that runs: one that only starts holds no lease that it could lose. */
  async #pause(): Promise<void> {
    const target = await this.#target(({ role, port }) => role === 'worker' && port !== undefined);
    await target.pause();
    this.#pauses += 1;
  }

  async #target(isMeant: (replica: Replica) => boolean): Promise<Replica> {
    for (;;) {
      const target = this.#random.pick(this.#cluster.replicas.filter((replica) => replica.isWhole && isMeant(replica)));
      if (target) return target;
      await this.#until(performance.now() + TARGET_LOOK_MS);
    }
  }

  async #judge(): Promise<OrdealResult> {
    const { servers, sender, plan, lives, ledger } = this.#cluster;
    const evidence = await readPostgresEvidence(servers.postgres.url, ledger);
    // What a receiver does no kill explains: it is to run no handler.
    const workers = lives.filter(({ role }) => role === 'worker');
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
    this.#say(
      left ??
        `kills ${this.#kills}/${this.#options.kills}, restarts ${servers.restarts}, pauses ${this.#pauses}, ` +
          `acknowledged ${sender.acknowledged.size}, duplicates ${sender.duplicates}, sent again ${sender.unanswered}`,
    );
  }

  #seconds(): number {
    return (performance.now() - this.#startedAtMs) / 1_000;
  }

  #say(line: string): void {
    this.#options.say(`[${this.#seconds().toFixed(0).padStart(4)}s] on ${this.#options.setup}: ${line}`);
  }
}
