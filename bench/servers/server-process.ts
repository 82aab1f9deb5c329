import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { ProcessCpu } from './process-cpu.js';
import type { Server } from './server.js';

/** A server in a process of its own, whose data is removed with it. */
export class ServerProcess implements Server {
  readonly url: string;
  readonly #directory: string;
  readonly #process: ChildProcess;
  readonly #cpu: ProcessCpu;

  constructor(url: string, directory: string, process_: ChildProcess) {
    this.url = url;
    this.#directory = directory;
    this.#process = process_;
    this.#cpu = new ProcessCpu(process_.pid ?? 0);
  }

  cpuMs(): number {
    return this.#cpu.totalMs();
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      const exited = once(this.#process, 'exit');
      // To PostgreSQL it means an immediate shutdown; nothing is needed afterwards.
      this.#process.kill('SIGQUIT');
      await exited;
    }
    rmSync(this.#directory, { recursive: true, force: true });
  }
}
