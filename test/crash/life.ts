import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';

/** A start takes well below a second; a machine that is busy with other things gets this long. */
const READY_MS_MAX = 60_000;
/** The drain of the app, its grace, and some. */
const STOP_MS_MAX = 30_000;

/** What a process is started with. */
export interface Launch {
  /** Path of its script, which tells by {@link serve} how far it is. */
  readonly script: string;
  readonly args: readonly string[];
  /** Path of the file that its log is appended to. */
  readonly log: string;
}

export type End = 'killed' | 'stopped';

/**
 * One process, from its start to its end. It loads its modules, which touches nothing, and waits for {@link begin}: so
 * a next one can stand by while another runs, and no time of a kill is spent on loading.
 */
export class Life {
  readonly number: number;
  /** Resolves when the inbox is being opened, or the process ended before. */
  readonly opening: Promise<unknown>;
  /** Resolves with the port when webhooks can be sent; undefined if the process ended before. */
  readonly ready: Promise<number | undefined>;
  beganAtMs = 0;
  port: number | undefined;
  end: End | undefined;
  /** How often it was held up. */
  pauses = 0;
  readonly #process: ChildProcess;
  readonly #exited: Promise<{ code: number | null; signal: string | null }>;
  #isKilled = false;

  constructor(number: number, launch: Launch) {
    this.number = number;
    const log = openSync(launch.log, 'a');
    const args = ['--disable-warning=ExperimentalWarning', launch.script, ...launch.args];
    const child = spawn(process.execPath, args, {
      stdio: ['pipe', 'pipe', log],
    });
    closeSync(log);
    this.#process = child;
    this.#exited = new Promise((resolve) => {
      child.on('exit', (code, signal) => {
        this.port = undefined;
        resolve({ code, signal });
      });
    });
    const ended = this.#exited.then(() => undefined);
    const lines = new Map<string, (rest: string) => void>();
    const line = (word: string): Promise<string> => new Promise((resolve) => lines.set(word, resolve));
    this.opening = Promise.race([line('opening'), ended]);
    const ready = line('ready').then((port) => (this.port = this.#isKilled ? undefined : Number(port)));
    this.ready = Promise.race([ready, ended]);
    createInterface(child.stdout as Readable).on('line', (text) => {
      const [word = '', rest = ''] = text.split(' ');
      lines.get(word)?.(rest);
    });
  }

  /** Lets it start the app. */
  begin(): void {
    this.beganAtMs = performance.now();
    this.#process.stdin?.end('begin');
  }

  /** Kills it at once. Throws if it had ended by itself. */
  async kill(): Promise<void> {
    this.port = undefined;
    this.#isKilled = true;
    this.#process.kill('SIGKILL');
    const { code, signal } = await this.#exited;
    if (signal !== 'SIGKILL') throw new Error(`process ${this.number} ended by itself, with ${signal ?? code}`);
    this.end = 'killed';
  }

  /** Holds it up for so long, as a machine that is suspended does. */
  async pause(ms: number): Promise<void> {
    this.pauses += 1;
    this.#process.kill('SIGSTOP');
    await sleep(ms);
    this.#process.kill('SIGCONT');
  }

  /** Asks it to stop, as an orchestrator does. Throws unless it does so in time, with exit code 0. */
  async stop(): Promise<void> {
    this.#process.kill('SIGTERM');
    const exited = await within(STOP_MS_MAX, this.#exited);
    if (!exited) throw new Error(`process ${this.number} has not ended ${STOP_MS_MAX} ms after SIGTERM`);
    if (exited.code !== 0) {
      throw new Error(`process ${this.number} ended with ${exited.signal ?? exited.code} after SIGTERM; expected 0`);
    }
    this.end = 'stopped';
  }

  /** Throws if it ends before it can be sent webhooks. */
  async untilReady(): Promise<number> {
    const port = await within(READY_MS_MAX, this.ready);
    if (port === undefined) throw new Error(`process ${this.number} did not start; its log says why`);
    return port;
  }

  /** Ends it, whatever it does. */
  discard(): void {
    this.#process.kill('SIGKILL');
  }
}

/** Undefined if it takes longer. */
export async function within<T>(ms: number, promise: Promise<T>): Promise<T | undefined> {
  const stopped = new AbortController();
  const timeUp = sleep(ms, undefined, { signal: stopped.signal }).catch(() => undefined);
  try {
    return await Promise.race([promise, timeUp]);
  } finally {
    stopped.abort();
  }
}
