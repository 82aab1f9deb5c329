import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Progress } from './dispatcher.js';
import type { MeasuredSetup } from './measured-setup.js';

const SCRIPT = fileURLToPath(new URL('./dispatcher.js', import.meta.url));

/** Dispatchers on one inbox, each a process of its own. */
export class Dispatchers {
  readonly #processes: readonly ChildProcess[];

  private constructor(processes: readonly ChildProcess[]) {
    this.#processes = processes;
  }

  /** Resolves when all of them look for work. */
  static async start(count: number, place: MeasuredSetup): Promise<Dispatchers> {
    const processes = Array.from({ length: count }, () => fork(SCRIPT, [JSON.stringify(place)]));
    const workers = new Dispatchers(processes);
    try {
      await Promise.all(processes.map(answerOf));
      return workers;
    } catch (error) {
      await workers.kill();
      throw error;
    }
  }

  /** Of all together. */
  async progress(): Promise<Progress> {
    const answers = this.#processes.map(answerOf);
    for (const one of this.#processes) one.send('progress');
    const all = (await Promise.all(answers)) as Progress[];
    const sum = (of: (one: Progress) => number): number => all.reduce((total, one) => total + of(one), 0);
    return { handled: sum(({ handled }) => handled), cpuMs: sum(({ cpuMs }) => cpuMs) };
  }

  /** What they were about to do is of no use to anybody. */
  async kill(): Promise<void> {
    const running = this.#processes.filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null);
    const exits = running.map((one) => once(one, 'exit'));
    for (const one of running) one.kill('SIGKILL');
    await Promise.all(exits);
  }
}

/** The next thing that it says. */
async function answerOf(child: ChildProcess): Promise<unknown> {
  const over = new AbortController();
  const ended = once(child, 'exit', { signal: over.signal }).then(([code]) => {
    throw new Error(`a dispatcher ended with ${code}`);
  });
  ended.catch(() => undefined);
  try {
    const [answer] = (await Promise.race([once(child, 'message', { signal: over.signal }), ended])) as [unknown];
    return answer;
  } finally {
    over.abort();
  }
}
