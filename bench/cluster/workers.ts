import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Progress } from './worker.js';
import type { MeasuredSetup } from './measured-setup.js';

const SCRIPT = fileURLToPath(new URL('./worker.js', import.meta.url));

/** Workers on one inbox, each in its own process. */
export class Workers {
  readonly #processes: readonly ChildProcess[];

  private constructor(processes: readonly ChildProcess[]) {
    this.#processes = processes;
  }

  /** Resolves when all workers poll for work. */
  static async start(count: number, setup: MeasuredSetup): Promise<Workers> {
    const processes = Array.from({ length: count }, () => fork(SCRIPT, [JSON.stringify(setup)]));
    const workers = new Workers(processes);
    try {
      await Promise.all(processes.map(nextMessageOf));
      return workers;
    } catch (error) {
      await workers.kill();
      throw error;
    }
  }

  /** Returns the sum of the workers' progress. */
  async progress(): Promise<Progress> {
    const responses = this.#processes.map(nextMessageOf);
    for (const one of this.#processes) one.send('progress');
    const all = (await Promise.all(responses)) as Progress[];
    const sum = (of: (one: Progress) => number): number => all.reduce((total, one) => total + of(one), 0);
    return { handled: sum(({ handled }) => handled), cpuMs: sum(({ cpuMs }) => cpuMs) };
  }

  /** Kills the workers, because their remaining work is not needed. */
  async kill(): Promise<void> {
    const running = this.#processes.filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null);
    const exits = running.map((one) => once(one, 'exit'));
    for (const one of running) one.kill('SIGKILL');
    await Promise.all(exits);
  }
}

/** Resolves with the next message of the process. */
async function nextMessageOf(child: ChildProcess): Promise<unknown> {
  const over = new AbortController();
  const ended = once(child, 'exit', { signal: over.signal }).then(([code]) => {
    throw new Error(`a worker ended with ${code}`);
  });
  ended.catch(() => undefined);
  try {
    const [message] = (await Promise.race([once(child, 'message', { signal: over.signal }), ended])) as [unknown];
    return message;
  } finally {
    over.abort();
  }
}
