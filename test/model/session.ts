import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Store } from 'nestjs-runhooks/core';
import type { SqliteDriver } from 'nestjs-runhooks/sqlite';
import { InboxModel } from './inbox-model.js';
import { compareLists } from './compare-lists.js';
import { same } from './same.js';
import { HANDLERS, HOUR, SOURCES, type Command, type Script } from './script.js';
import { copyAsKilled, openStore } from './sqlite-files.js';
import { Steps, type Step } from './steps.js';

const SETTLED: Extract<Command, { do: 'settle' }> = { do: 'settle', held: 0, as: 'succeeded', lease: 'own' };
const READ: Command = {
  do: 'record',
  claim: 0,
  plans: [{ state: 'read', run: 0, says: [], isEvent: false, handlers: [] }],
  lease: 'own',
};
/** Rounds that finish whatever a script has left; each begins when all of it is due. */
const ROUNDS_MAX = 20;

/** A store and the model of it, told the same things. Throws what differed, below the script that led there. */
export class Session {
  readonly model = new InboxModel();
  readonly #steps = new Steps(this.model);
  readonly #transcript: string[] = [];
  readonly #directory: string;
  readonly #driver: SqliteDriver;
  #files = 0;
  #store: Store;
  #other: Store | undefined;

  private constructor(directory: string, driver: SqliteDriver, store: Store) {
    this.#directory = directory;
    this.#driver = driver;
    this.#store = store;
  }

  /** Begins in a copy of `empty`, an inbox that nothing is in. */
  static async begin(directory: string, driver: SqliteDriver, empty: string): Promise<Session> {
    const path = join(directory, '0.db');
    copyAsKilled(empty, path);
    return new Session(directory, driver, await openStore(path, driver));
  }

  /** Says every line, compares the counts after each, and all there is at the end; then finishes all work that is left. */
  async play(script: Script): Promise<void> {
    try {
      for (const lines of script) {
        await this.#say(lines);
        await this.#compareCounts();
      }
      await compareLists(this.#store, this.model);
      await this.#finish();
      await compareLists(this.#store, this.model);
    } catch (error) {
      throw new Error(`${(error as Error).message}\n\nThe script:\n${this.transcript}`, { cause: error });
    }
  }

  /** What was said and answered so far, a line each. */
  get transcript(): string {
    return this.#transcript.join('\n');
  }

  async end(): Promise<void> {
    await this.#store.close();
    await this.#other?.close();
  }

  async #say(commands: readonly Command[]): Promise<void> {
    const [first] = commands;
    if (first?.do === 'clock') return this.#moveClock(first.ms);
    if (first?.do === 'crash') return this.#crash(first.by);
    if (first?.do === 'other process') return this.#switchProcess();
    const steps = commands.flatMap((command) => this.#steps.prepare(command) ?? []);
    const begun = steps.map((step) => step.begin(this.#store).catch((error: unknown) => error));
    const answers = await Promise.all(begun);
    steps.forEach((step, index) => this.#check(step, answers[index], steps.length > 1));
  }

  #check(step: Step, answer: unknown, isOneOfMany: boolean): void {
    const at = this.#transcript.push(`${isOneOfMany ? '| ' : '  '}${step.line}`) - 1;
    try {
      this.#transcript[at] += `  → ${step.check(answer)}`;
    } catch (error) {
      this.#transcript[at] += `  → HERE: ${answer instanceof Error ? answer.message : JSON.stringify(answer)}`;
      throw error;
    }
  }

  #moveClock(ms: number): void {
    this.#steps.now = new Date(this.#steps.now.getTime() + ms);
    this.#transcript.push(`  clock ${ms < 0 ? 'back' : 'on'} ${Math.abs(ms)} ms`);
  }

  async #crash(by: 'kill' | 'kill while writing' | 'close'): Promise<void> {
    this.#transcript.push(`  ${by === 'close' ? by : `crash by a ${by}`}, and open again`);
    const from = this.#path();
    if (by !== 'close') {
      this.#files += 1;
      copyAsKilled(from, this.#path());
      if (by === 'kill while writing') appendFileSync(`${this.#path()}-wal`, Buffer.alloc(6_000, 1));
    }
    await this.end();
    this.#other = undefined;
    this.#store = await openStore(this.#path(), this.#driver);
    this.#steps.restart();
  }

  async #switchProcess(): Promise<void> {
    this.#transcript.push('  the other process:');
    const other = this.#other ?? (await openStore(this.#path(), this.#driver));
    this.#other = this.#store;
    this.#store = other;
    this.#steps.restart();
  }

  async #compareCounts(): Promise<void> {
    same(await this.#store.counts(), this.model.counts());
    const dueAt = await this.#store.nextDueAt({ sources: SOURCES, handlerIds: HANDLERS, taskHandlerIds: [] });
    const seenFrom = new Date(this.#steps.now.getTime() - HOUR);
    same(await this.#store.processes(seenFrom), this.model.registry.processes(seenFrom), 'processes');
    same(await this.#store.unattended(seenFrom), this.model.unattended(seenFrom), 'unattended');
    same(dueAt?.getTime(), this.model.nextDueAt(SOURCES, HANDLERS), 'nextDueAt');
  }

  /** Nothing may be stuck, whatever was said: claiming and settling for long enough leaves nothing unsettled. */
  async #finish(): Promise<void> {
    this.#transcript.push('  and now finish all that is left:');
    for (let round = 0; round < ROUNDS_MAX; round += 1) {
      const dueAt = this.model.lastDueAt();
      if (dueAt === undefined) return;
      this.#moveClock(Math.max(0, dueAt - this.#steps.now.getTime()));
      await this.#say([{ do: 'claim messages', sources: SOURCES, limit: 100 }]);
      await this.#say([READ]);
      await this.#say([{ do: 'claim deliveries', handlers: HANDLERS, limit: 100 }]);
      for (let held = this.#steps.heldCount(); held > 0; held -= 1) await this.#say([{ ...SETTLED, held: held - 1 }]);
      await this.#compareCounts();
    }
    throw new Error(`after ${ROUNDS_MAX} rounds there is still work left: something is stuck`);
  }

  #path(): string {
    return join(this.#directory, `${this.#files}.db`);
  }
}
