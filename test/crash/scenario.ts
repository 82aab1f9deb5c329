import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { InboxCounts } from 'nestjs-runhooks';
import { CONCURRENCY, WANTED } from './crash-app.js';
import { readEvidence } from './evidence.js';
import { fastClock } from './fast-clock.js';
import { Life, within } from './life.js';
import { Random } from './random.js';
import { RunPlan } from './run-plan.js';
import { Sender } from './sender.js';
import { verify, type Verdict } from './verify.js';

/** What is due is taken up within the lease of a killed process and some; a busy machine gets this long to do any of it. */
const STUCK_MS_MAX = 60_000;
const ACKNOWLEDGED_MS_MAX = 60_000;
const IDLE_LOOK_MS = 100;
const PROGRESS_EVERY_KILLS = 10;
const CHILD = fileURLToPath(new URL('./child.js', import.meta.url));

/** Where the processes of a scenario meet. */
interface ScenarioFiles {
  readonly inbox: string;
  readonly ledger: string;
  readonly log: string;
  readonly clockStartMs: number;
}

export interface ScenarioOptions {
  /** For the lines that are said. */
  readonly title: string;
  readonly directory: string;
  readonly kills: number;
  readonly seed: number;
  readonly say: (line: string) => void;
}

export interface ScenarioResult extends Verdict {
  readonly kills: number;
  /** Copies sent of messages that were there already. */
  readonly duplicates: number;
  /** Sendings that had to be repeated, because a kill took the answer with it. */
  readonly unanswered: number;
  /** Messages stored by a process that was killed before it could say so. */
  readonly storedUnanswered: number;
  readonly seconds: number;
}

/** The ground all scenarios stand on: a file, a ledger, a sender, and the processes that come and go. */
export class Scenario {
  readonly options: ScenarioOptions;
  /** For kills alone, so that a seed repeats them, whatever the load draws meanwhile. */
  readonly random: Random;
  readonly place: ScenarioFiles;
  readonly sender: Sender;
  kills = 0;
  readonly #plan: RunPlan;
  readonly #lives: Life[] = [];
  /** Loaded, but not begun: the next process. */
  #standby: Life;
  readonly #startedAtMs = performance.now();

  constructor(options: ScenarioOptions) {
    const { directory, seed } = options;
    mkdirSync(directory, { recursive: true });
    this.options = options;
    this.random = new Random(seed);
    this.place = {
      inbox: join(directory, 'inbox.db'),
      ledger: join(directory, 'ledger.txt'),
      log: join(directory, 'app.log'),
      clockStartMs: Date.now(),
    };
    const { now } = fastClock(this.place.clockStartMs);
    this.#plan = new RunPlan(new Random(seed + 1));
    const ports = (): number[] => this.#lives.flatMap(({ port }) => (port === undefined ? [] : [port]));
    this.sender = new Sender({ plan: this.#plan, random: new Random(seed + 2), now, ports });
    this.#standby = this.#load(1);
  }

  /** The next process begins. */
  start(): Life {
    const life = this.#standby;
    this.#standby = this.#load(life.number + 1);
    this.#lives.push(life);
    life.begin();
    return life;
  }

  async kill(life: Life): Promise<void> {
    await life.kill();
    this.kills += 1;
    if (this.kills % PROGRESS_EVERY_KILLS === 0 || this.kills === this.options.kills) this.#progress();
  }

  /** Makes the file new. Only while nothing was acknowledged: then nothing can be lost. */
  forgetInbox(): void {
    if (this.sender.acknowledged.size > 0) throw new Error('the inbox holds acknowledged messages');
    for (const suffix of ['', '-wal', '-shm']) rmSync(`${this.place.inbox}${suffix}`, { force: true });
  }

  /** Lets everything be sent and handled, stops the processes, and judges what there is. */
  async end(running: readonly Life[]): Promise<ScenarioResult> {
    const finished = await within(
      ACKNOWLEDGED_MS_MAX,
      this.sender.finish().then(() => true),
    );
    if (!finished) throw new Error(`messages are not acknowledged ${ACKNOWLEDGED_MS_MAX} ms after the last kill`);
    this.#say(`all is acknowledged; waiting until it is handled`);
    await this.#untilIdle(running);
    for (const life of running) await life.stop();
    this.discard();
    const { inbox, ledger } = this.place;
    const verdict = verify(await readEvidence(inbox, ledger), {
      runs: this.#plan.runs,
      acknowledged: this.sender.acknowledged,
      wanted: WANTED,
      killed: new Set(this.#lives.filter(({ end }) => end === 'killed').map(({ number }) => number)),
      concurrency: CONCURRENCY,
    });
    const { acknowledged, duplicates, unanswered, problems } = this.sender;
    return {
      ...verdict,
      kills: this.kills,
      duplicates,
      unanswered,
      storedUnanswered: [...acknowledged.values()].filter(({ wasAccepted }) => !wasAccepted).length,
      problems: [...problems, ...verdict.problems],
      seconds: (performance.now() - this.#startedAtMs) / 1_000,
    };
  }

  /** Ends what still runs. */
  discard(): void {
    this.sender.abort();
    for (const life of [...this.#lives, this.#standby]) if (life.end === undefined) life.discard();
  }

  #load(number: number): Life {
    const { inbox, ledger, log, clockStartMs } = this.place;
    return new Life(number, { script: CHILD, args: [inbox, ledger, String(number), String(clockStartMs)], log });
  }

  async #untilIdle(running: readonly Life[]): Promise<void> {
    let done = -1;
    let stuckAtMs = 0;
    for (;;) {
      const counts = await countsOf(running[0]);
      const { messages, deliveries } = counts;
      if (messages.stored === 0 && deliveries.pending === 0) return;
      const before = done;
      done = messages.parsed + deliveries.succeeded;
      if (done !== before) stuckAtMs = performance.now() + STUCK_MS_MAX;
      if (performance.now() > stuckAtMs) {
        throw new Error(`work is left, of which nothing was done for ${STUCK_MS_MAX} ms: ${JSON.stringify(counts)}`);
      }
      await sleep(IDLE_LOOK_MS);
    }
  }

  #progress(): void {
    const { acknowledged, duplicates, unanswered } = this.sender;
    this.#say(
      `kill ${this.kills}/${this.options.kills}, acknowledged ${acknowledged.size}, ` +
        `duplicates ${duplicates}, sent again ${unanswered}`,
    );
  }

  #say(line: string): void {
    const seconds = ((performance.now() - this.#startedAtMs) / 1_000).toFixed(0).padStart(4);
    this.options.say(`[${seconds}s] ${this.options.title}: ${line}`);
  }
}

async function countsOf(life: Life | undefined): Promise<InboxCounts> {
  const response = await fetch(`http://127.0.0.1:${life?.port}/counts`);
  if (!response.ok) throw new Error(`the app answered ${response.status} to GET /counts`);
  return (await response.json()) as InboxCounts;
}
