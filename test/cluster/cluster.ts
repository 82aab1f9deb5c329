import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { InboxCounts, Role } from 'nestjs-runhooks';
import pg from 'pg';
import { ProcessRun } from '../crash/process-run.js';
import { Random } from '../crash/random.js';
import { RunPlan } from '../crash/run-plan.js';
import { Sender } from '../crash/sender.js';
import type { ChildOptions } from './child.js';
import { clusterClock, PAUSE_MS } from './cluster-clock.js';
import { EFFECTS_TABLE } from './exact-handler.js';
import type { Setup } from './options.js';
import { Replica } from './replica.js';
import { Servers } from './servers.js';

const CHILD = fileURLToPath(new URL('./child.js', import.meta.url));
const ROLES: readonly Role[] = ['receiver', 'receiver', 'worker', 'worker', 'worker'];
/**
 * Pause of each of the sender's 16 workers. With it, five processes and a server on two cores can handle the load
 * easily.
 */
const PAUSE_OF_SENDER_MS = 450;
/**
 * Time without progress after which the test fails. Due work starts within about a lease; the rest is for a busy
 * machine.
 */
const STUCK_MS_MAX = 60_000;
const IDLE_CHECK_MS = 100;

export interface ClusterOptions {
  readonly setup: Setup;
  readonly directory: string;
  readonly seed: number;
}

/** The servers, the processes on them, and a sender. */
export class Cluster {
  readonly servers: Servers;
  readonly replicas: readonly Replica[];
  readonly sender: Sender;
  readonly plan: RunPlan;
  readonly processRuns: (ProcessRun & { readonly role: Role })[] = [];
  readonly ledger: string;
  readonly log: string;
  /** Work left at the last check, once the test waits for its end. */
  left: string | undefined;
  readonly #clockStartMs = Date.now();

  private constructor({ directory, seed }: ClusterOptions, servers: Servers) {
    this.servers = servers;
    this.ledger = join(directory, 'ledger.txt');
    this.log = join(directory, 'app.log');
    const { now } = clusterClock(this.#clockStartMs);
    this.plan = new RunPlan(new Random(seed + 1));
    const ports = (): number[] =>
      this.replicas.flatMap(({ role, port }) => (role === 'receiver' && port !== undefined ? [port] : []));
    const random = new Random(seed + 2);
    this.sender = new Sender({ plan: this.plan, random, now, ports, pauseMs: PAUSE_OF_SENDER_MS });
    this.replicas = ROLES.map(
      (role) =>
        new Replica({
          role,
          load: () => this.#load(role),
          mayFailToStart: (beganAtMs) => servers.wasPostgresUnavailable(beganAtMs),
          pauseMs: PAUSE_MS,
        }),
    );
  }

  static async start(options: ClusterOptions): Promise<Cluster> {
    mkdirSync(options.directory, { recursive: true });
    const servers = await Servers.start(options.setup);
    try {
      await inPostgres(servers, EFFECTS_TABLE);
      return new Cluster(options, servers);
    } catch (error) {
      await servers.remove();
      throw error;
    }
  }

  async untilReady(): Promise<void> {
    for (const replica of this.replicas) await replica.untilReady();
  }

  /** Resolves when everything that was sent is parsed and handled. */
  async untilIdle(): Promise<void> {
    let done = -1;
    let stuckAtMs = 0;
    for (;;) {
      const counts = await this.#counts();
      const { messages, deliveries, checks } = counts;
      if (messages.stored + deliveries.pending + checks === 0) return;
      this.left = `left: ${messages.stored} messages, ${deliveries.pending} deliveries`;
      const before = done;
      done = messages.parsed + deliveries.succeeded;
      if (done !== before) stuckAtMs = performance.now() + STUCK_MS_MAX;
      if (performance.now() > stuckAtMs) {
        throw new Error(`no progress on the remaining work for ${STUCK_MS_MAX} ms: ${JSON.stringify(counts)}`);
      }
      await sleep(IDLE_CHECK_MS);
    }
  }

  /** Ends all processes and removes the servers. May be called again. */
  async remove(): Promise<void> {
    this.sender.abort();
    for (const replica of this.replicas) replica.discard();
    await this.servers.remove();
  }

  #load(role: Role): ProcessRun {
    const processNumber = this.processRuns.length + 1;
    const childOptions: ChildOptions = {
      processNumber,
      role,
      postgres: this.servers.postgres.url,
      ...(this.servers.redis && { redis: this.servers.redis.url }),
      ledger: this.ledger,
      clockStartMs: this.#clockStartMs,
    };
    const process = Object.assign(
      new ProcessRun(processNumber, { script: CHILD, args: [JSON.stringify(childOptions)], log: this.log }),
      {
        role,
      },
    );
    this.processRuns.push(process);
    return process;
  }

  async #counts(): Promise<InboxCounts> {
    const response = await fetch(`http://127.0.0.1:${this.replicas[0]?.port}/counts`);
    if (!response.ok) throw new Error(`the app returned ${response.status} for GET /counts`);
    return (await response.json()) as InboxCounts;
  }
}

async function inPostgres({ postgres }: Servers, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: postgres.url });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
