import type { Child } from './child.js';
import type { ContenderName } from './contenders/contenders.js';
import type { Question, Usage } from './contenders/serve.js';
import type { Server } from './servers/server.js';

/** The bench's side of a contender's process. */
export class Contender {
  readonly name: ContenderName;
  readonly port: number;
  /** Number of different messages that it has responded to. */
  sent = 0;
  readonly #child: Child;
  readonly #servers: readonly Server[];

  constructor(name: ContenderName, child: Child, port: number, servers: readonly Server[]) {
    this.name = name;
    this.port = port;
    this.#child = child;
    this.#servers = servers;
  }

  /** Resolves with the usage so far; `serverCpuMs` is that of Redis or Postgres. */
  async usage(): Promise<Usage & { readonly serverCpuMs: number }> {
    const usage = (await this.#ask('usage')) as Usage;
    return { ...usage, serverCpuMs: this.#servers.reduce((sum, server) => sum + server.cpuMs(), 0) };
  }

  /** Resolves with the time of the system's monotonic clock when that many handlers have finished. */
  async handledAtMs(handledAtLeast: number): Promise<number> {
    return (await this.#ask({ handledAtLeast })) as number;
  }

  /** Returns the number of stored webhooks, or null if the contender does not store them or deletes handled ones. */
  async stored(): Promise<number | null> {
    return (await this.#ask('stored')) as number | null;
  }

  async startedAtMs(): Promise<Readonly<Record<string, number>>> {
    return (await this.#ask('startedAtMs')) as Record<string, number>;
  }

  async stop(): Promise<void> {
    await this.#child.stop();
  }

  async #ask(question: Question): Promise<unknown> {
    return await this.#child.ask(question);
  }
}
