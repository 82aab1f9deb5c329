import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** A child process that responds to questions in order. */
export class Child {
  readonly #process: ChildProcess;
  readonly #name: string;

  private constructor(process: ChildProcess, name: string) {
    this.#process = process;
    this.#name = name;
  }

  /** Starts a file of the compiled bench, and resolves with its first message. */
  static async start(
    file: string,
    args: readonly string[],
    env: NodeJS.ProcessEnv = {},
    execArgv: readonly string[] = [],
  ): Promise<[child: Child, hello: unknown]> {
    const path = fileURLToPath(new URL(file, import.meta.url));
    const process_ = fork(path, args, {
      env: { ...process.env, ...env },
      execArgv: ['--disable-warning=ExperimentalWarning', ...execArgv],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    const child = new Child(process_, [file, ...args].join(' '));
    return [child, await child.#next()];
  }

  async ask(question: unknown): Promise<unknown> {
    const response = this.#next();
    this.#process.send(question as object);
    return await response;
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const ended = once(this.#process, 'exit');
    this.#process.kill('SIGKILL');
    await ended;
  }

  async #next(): Promise<unknown> {
    const ended = new AbortController();
    const response = once(this.#process, 'message', { signal: ended.signal });
    const onExit = (): void => ended.abort();
    this.#process.once('exit', onExit);
    try {
      const [message] = (await response) as [unknown];
      return message;
    } catch (cause) {
      throw new Error(`${this.#name} ended before it responded`, { cause });
    } finally {
      this.#process.off('exit', onExit);
    }
  }
}
