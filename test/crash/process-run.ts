import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';

/** A start takes well below a second; the rest is for a busy machine. */
const READY_MS_MAX = 60_000;
/** The drain of the app and its grace period, plus some time. */
const STOP_MS_MAX = 30_000;

/** Options for starting a process. */
export interface Launch {
  /** Path of its script, which reports its progress by {@link serve}. */
  readonly script: string;
  readonly args: readonly string[];
  /** Path of the file to which its log is appended. */
  readonly log: string;
}

export type End = 'killed' | 'stopped';

/**
 * One process from its start to its end. It loads its modules and waits for {@link begin}. The next process can load
 * while another one runs, so that no kill hits the loading of modules.
 */
export class ProcessRun {
  readonly number: number;
  /** Resolves when the inbox is being opened, or the process ended earlier. */
  readonly opening: Promise<unknown>;
  /** Resolves with the port when webhooks can be sent, or with undefined if the process ended earlier. */
  readonly ready: Promise<number | undefined>;
  beganAtMs = 0;
  port: number | undefined;
  end: End | undefined;
  /** Number of pauses. */
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
    const line = (name: string): Promise<string> => new Promise((resolve) => lines.set(name, resolve));
    this.opening = Promise.race([line('opening'), ended]);
    const ready = line('ready').then((port) => (this.port = this.#isKilled ? undefined : Number(port)));
    this.ready = Promise.race([ready, ended]);
    createInterface(child.stdout as Readable).on('line', (text) => {
      const [name = '', rest = ''] = text.split(' ');
      lines.get(name)?.(rest);
    });
  }

  /** Lets the process start the app. */
  begin(): void {
    this.beganAtMs = performance.now();
    this.#process.stdin?.end('begin');
  }

  /** Kills the process at once. Throws if it had ended by itself. */
  async kill(): Promise<void> {
    this.port = undefined;
    this.#isKilled = true;
    this.#process.kill('SIGKILL');
    const { code, signal } = await this.#exited;
    if (signal !== 'SIGKILL') throw new Error(`process ${this.number} ended by itself, with ${signal ?? code}`);
    this.end = 'killed';
  }

  /** Pauses the process like a suspended machine. */
  async pause(ms: number): Promise<void> {
    this.pauses += 1;
    this.#process.kill('SIGSTOP');
    await sleep(ms);
    this.#process.kill('SIGCONT');
  }

  /** Stops the process like an orchestrator. Throws unless it ends in time with exit code 0. */
  async stop(): Promise<void> {
    this.#process.kill('SIGTERM');
    const exited = await within(STOP_MS_MAX, this.#exited);
    if (!exited) throw new Error(`process ${this.number} is still running ${STOP_MS_MAX} ms after SIGTERM`);
    if (exited.code !== 0) {
      throw new Error(`process ${this.number} ended with ${exited.signal ?? exited.code} after SIGTERM; expected 0`);
    }
    this.end = 'stopped';
  }

  /** Throws if the process ends before it can receive webhooks. */
  async untilReady(): Promise<number> {
    const port = await within(READY_MS_MAX, this.ready);
    if (port === undefined) throw new Error(`process ${this.number} did not start; see its log for the reason`);
    return port;
  }

  /** Ends the process in any state. */
  discard(): void {
    this.#process.kill('SIGKILL');
  }
}

/** Resolves with the result of the promise, or with undefined if it takes longer. */
export async function within<T>(ms: number, promise: Promise<T>): Promise<T | undefined> {
  const stopped = new AbortController();
  const timeUp = sleep(ms, undefined, { signal: stopped.signal }).catch(() => undefined);
  try {
    return await Promise.race([promise, timeUp]);
  } finally {
    stopped.abort();
  }
}
