import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { InboxCounts } from 'nestjs-runhooks';
import { CONCURRENCY, WANTED } from './crash-app.js';
import { readEvidence } from './evidence.js';
import { fastClock } from './fast-clock.js';
import { ProcessRun, within } from './process-run.js';
import { Random } from './random.js';
import { RunPlan } from './run-plan.js';
import { Sender } from './sender.js';
import { verify, type Verdict } from './verify.js';

/**
 * Time without progress after which the test fails. Due work starts within about a lease; the rest is for a busy
 * machine.
 */
const STUCK_MS_MAX = 60_000;
const ACKNOWLEDGED_MS_MAX = 60_000;
const IDLE_CHECK_MS = 100;
const PROGRESS_EVERY_KILLS = 10;
const CHILD = fileURLToPath(new URL('./child.js', import.meta.url));

/** The files that the processes of a scenario share. */
interface ScenarioFiles {
  readonly inbox: string;
  readonly ledger: string;
  readonly log: string;
  readonly clockStartMs: number;
}

export interface ScenarioOptions {
  /** Title in the printed lines. */
  readonly title: string;
  readonly directory: string;
  readonly kills: number;
  readonly seed: number;
  readonly print: (line: string) => void;
}

export interface ScenarioResult extends Verdict {
  readonly kills: number;
  /** Resent copies of stored messages. */
  readonly duplicates: number;
  /** Requests that were repeated because a kill prevented the response. */
  readonly unanswered: number;
  /** Messages stored by a process that was killed before it could respond. */
  readonly storedUnanswered: number;
  readonly seconds: number;
}

/** The common part of all scenarios: a file, a ledger, a sender, and the processes. */
export class Scenario {
  readonly options: ScenarioOptions;
  /** Random numbers for kills only, so that a seed repeats the kills whatever the load draws. */
  readonly random: Random;
  readonly files: ScenarioFiles;
  readonly sender: Sender;
  kills = 0;
  readonly #plan: RunPlan;
  readonly #processRuns: ProcessRun[] = [];
  /** The next process, which is loaded but has not begun. */
  #standby: ProcessRun;
  readonly #startedAtMs = performance.now();

  constructor(options: ScenarioOptions) {
    const { directory, seed } = options;
    mkdirSync(directory, { recursive: true });
    this.options = options;
    this.random = new Random(seed);
    this.files = {
      inbox: join(directory, 'inbox.db'),
      ledger: join(directory, 'ledger.txt'),
      log: join(directory, 'app.log'),
      clockStartMs: Date.now(),
    };
    const { now } = fastClock(this.files.clockStartMs);
    this.#plan = new RunPlan(new Random(seed + 1));
    const ports = (): number[] => this.#processRuns.flatMap(({ port }) => (port === undefined ? [] : [port]));
    this.sender = new Sender({ plan: this.#plan, random: new Random(seed + 2), now, ports });
    this.#standby = this.#load(1);
  }

  /** Starts the next process. */
  start(): ProcessRun {
    const processRun = this.#standby;
    this.#standby = this.#load(processRun.number + 1);
    this.#processRuns.push(processRun);
    processRun.begin();
    return processRun;
  }

  async kill(processRun: ProcessRun): Promise<void> {
    await processRun.kill();
    this.kills += 1;
    if (this.kills % PROGRESS_EVERY_KILLS === 0 || this.kills === this.options.kills) this.#progress();
  }

  /** Deletes the inbox file. Allowed only while nothing is acknowledged, so that nothing can be lost. */
  forgetInbox(): void {
    if (this.sender.acknowledged.size > 0) throw new Error('the inbox contains acknowledged messages');
    for (const suffix of ['', '-wal', '-shm']) rmSync(`${this.files.inbox}${suffix}`, { force: true });
  }

  /** Waits until everything is sent and handled, stops the processes, and verifies the result. */
  async end(running: readonly ProcessRun[]): Promise<ScenarioResult> {
    const finished = await within(
      ACKNOWLEDGED_MS_MAX,
      this.sender.finish().then(() => true),
    );
    if (!finished) throw new Error(`messages are still unacknowledged ${ACKNOWLEDGED_MS_MAX} ms after the last kill`);
    this.#print(`all messages are acknowledged; waiting until they are handled`);
    await this.#untilIdle(running);
    for (const processRun of running) await processRun.stop();
    this.discard();
    const { inbox, ledger } = this.files;
    const verdict = verify(await readEvidence(inbox, ledger), {
      runs: this.#plan.runs,
      acknowledged: this.sender.acknowledged,
      wanted: WANTED,
      killed: new Set(this.#processRuns.filter(({ end }) => end === 'killed').map(({ number }) => number)),
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

  /** Ends all processes that still run. */
  discard(): void {
    this.sender.abort();
    for (const processRun of [...this.#processRuns, this.#standby])
      if (processRun.end === undefined) processRun.discard();
  }

  #load(number: number): ProcessRun {
    const { inbox, ledger, log, clockStartMs } = this.files;
    return new ProcessRun(number, { script: CHILD, args: [inbox, ledger, String(number), String(clockStartMs)], log });
  }

  async #untilIdle(running: readonly ProcessRun[]): Promise<void> {
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
        throw new Error(`no progress on the remaining work for ${STUCK_MS_MAX} ms: ${JSON.stringify(counts)}`);
      }
      await sleep(IDLE_CHECK_MS);
    }
  }

  #progress(): void {
    const { acknowledged, duplicates, unanswered } = this.sender;
    this.#print(
      `kill ${this.kills}/${this.options.kills}, acknowledged ${acknowledged.size}, ` +
        `duplicates ${duplicates}, sent again ${unanswered}`,
    );
  }

  #print(line: string): void {
    const seconds = ((performance.now() - this.#startedAtMs) / 1_000).toFixed(0).padStart(4);
    this.options.print(`[${seconds}s] ${this.options.title}: ${line}`);
  }
}

async function countsOf(processRun: ProcessRun | undefined): Promise<InboxCounts> {
  const response = await fetch(`http://127.0.0.1:${processRun?.port}/counts`);
  if (!response.ok) throw new Error(`the app returned ${response.status} for GET /counts`);
  return (await response.json()) as InboxCounts;
}
