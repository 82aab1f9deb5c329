import type { Store } from 'nestjs-runhooks/core';
import { InboxModel } from './inbox-model.js';
import { compareLists } from './compare-lists.js';
import type { InboxSite } from './inbox-site.js';
import { same } from './same.js';
import { HANDLERS, HOUR, SOURCES, type Command, type Script } from './script.js';
import { Steps, type Step } from './steps.js';

const SETTLED: Extract<Command, { do: 'settle' }> = { do: 'settle', held: 0, as: 'succeeded', lease: 'own' };
const READ: Command = {
  do: 'record',
  claim: 0,
  plans: [{ state: 'parsed', run: 0, reports: [], isEvent: false, handlers: [] }],
  lease: 'own',
};
/** Rounds that finish all work left by a script. Each begins when all of it is due. */
const ROUNDS_MAX = 20;

/** Sends the same commands to a store and to its model. Throws the first difference below the script that led to it. */
export class Session {
  readonly model = new InboxModel();
  readonly #steps = new Steps(this.model);
  readonly #transcript: string[] = [];
  readonly #place: InboxSite;
  #store: Store;
  #other: Store | undefined;

  private constructor(place: InboxSite, store: Store) {
    this.#place = place;
    this.#store = store;
  }

  /** Begins in an empty inbox. */
  static async begin(place: InboxSite): Promise<Session> {
    return new Session(place, await place.open());
  }

  /**
   * Runs every command, compares the counts after each one and all lists at the end, and then finishes all remaining
   * work. Throws soon after `signal` is aborted.
   */
  async play(script: Script, signal: AbortSignal): Promise<void> {
    try {
      for (const lines of script) {
        signal.throwIfAborted();
        await this.#run(lines);
        await this.#compareCounts();
      }
      await compareLists(this.#store, this.model);
      await this.#finish(signal);
      await compareLists(this.#store, this.model);
    } catch (error) {
      throw new Error(`${(error as Error).message}\n\nThe script:\n${this.transcript}`, { cause: error });
    }
  }

  /** All commands and results so far, one line each. */
  get transcript(): string {
    return this.#transcript.join('\n');
  }

  async end(): Promise<void> {
    try {
      await this.#close();
    } finally {
      await this.#place.remove();
    }
  }

  async #close(): Promise<void> {
    await this.#store.close();
    await this.#other?.close();
  }

  async #run(commands: readonly Command[]): Promise<void> {
    const [first] = commands;
    if (first?.do === 'clock') return this.#moveClock(first.ms);
    if (first?.do === 'crash') return this.#crash(first.by);
    if (first?.do === 'other process') return this.#switchProcess();
    const steps = commands.flatMap((command) => this.#steps.prepare(command) ?? []);
    const begin = (step: Step) => step.begin(this.#store).catch((error: unknown) => error);
    // A batch with an entry that the engine rejects is repeated in several steps, and others may come between them.
    const isTogether = this.#place.isInOrder && !commands.some((command) => 'poison' in command);
    const results: unknown[] = isTogether ? await Promise.all(steps.map(begin)) : [];
    if (!isTogether) for (const step of steps) results.push(await begin(step));
    steps.forEach((step, index) => this.#check(step, results[index], steps.length > 1));
  }

  #check(step: Step, result: unknown, isOneOfMany: boolean): void {
    const at = this.#transcript.push(`${isOneOfMany ? '| ' : '  '}${step.line}`) - 1;
    try {
      this.#transcript[at] += `  → ${step.check(result)}`;
    } catch (error) {
      this.#transcript[at] += `  → HERE: ${result instanceof Error ? result.message : JSON.stringify(result)}`;
      throw error;
    }
  }

  #moveClock(ms: number): void {
    this.#steps.now = new Date(this.#steps.now.getTime() + ms);
    this.#transcript.push(`  clock ${ms < 0 ? 'back' : 'on'} ${Math.abs(ms)} ms`);
  }

  async #crash(by: 'kill' | 'kill while writing' | 'close'): Promise<void> {
    this.#transcript.push(`  ${by === 'close' ? by : `crash by a ${by}`}, and open again`);
    if (by !== 'close') this.#place.kill(by === 'kill while writing');
    await this.#close();
    this.#other = undefined;
    this.#store = await this.#place.open();
    this.#steps.restart();
  }

  async #switchProcess(): Promise<void> {
    this.#transcript.push('  the other process:');
    const other = this.#other ?? (await this.#place.open());
    this.#other = this.#store;
    this.#store = other;
    this.#steps.restart();
  }

  async #compareCounts(): Promise<void> {
    same(await this.#store.counts(), this.model.counts());
    const dueAt = await this.#store.nextDueAt({ sources: SOURCES, handlerIds: HANDLERS, taskHandlerIds: [] });
    const seenFrom = new Date(this.#steps.now.getTime() - HOUR);
    same(await this.#store.processes(seenFrom), this.model.registry.processes(seenFrom), 'processes');
    same(await this.#store.missingHandlers(seenFrom), this.model.missingHandlers(seenFrom), 'missingHandlers');
    same(dueAt?.getTime(), this.model.nextDueAt(SOURCES, HANDLERS), 'nextDueAt');
  }

  /** No work may be stuck after any script: claiming and settling long enough must finish all of it. */
  async #finish(signal: AbortSignal): Promise<void> {
    this.#transcript.push('  and now finish all that is left:');
    for (let round = 0; round < ROUNDS_MAX; round += 1) {
      signal.throwIfAborted();
      const dueAt = this.model.lastDueAt();
      if (dueAt === undefined) return;
      this.#moveClock(Math.max(0, dueAt - this.#steps.now.getTime()));
      await this.#run([{ do: 'claim messages', sources: SOURCES, limit: 100 }]);
      await this.#run([READ]);
      await this.#run([{ do: 'claim deliveries', handlers: HANDLERS, limit: 100 }]);
      for (let held = this.#steps.heldCount(); held > 0; held -= 1) await this.#run([{ ...SETTLED, held: held - 1 }]);
      await this.#compareCounts();
    }
    throw new Error(`after ${ROUNDS_MAX} rounds there is still work left: something is stuck`);
  }
}
