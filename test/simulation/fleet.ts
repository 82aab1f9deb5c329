import type { AppProcess } from './app-process.js';

/** A process of an app, and its number, which no other process of the simulation has. */
export interface Running {
  readonly number: number;
  readonly app: AppProcess;
}

/** Processes of one app, which are killed and replaced. */
export class Fleet {
  /** Numbers of the processes that were killed. */
  readonly killed = new Set<number>();
  readonly #size: number;
  readonly #start: (number: number) => Promise<AppProcess>;
  readonly #buried: Promise<void>[] = [];
  #running: readonly Running[] = [];
  #started = 0;

  /** @param start starts the process with a number */
  constructor(size: number, start: (number: number) => Promise<AppProcess>) {
    this.#size = size;
    this.#start = start;
  }

  get running(): readonly Running[] {
    return this.#running;
  }

  /** Starts the processes that are missing. */
  async startAll(): Promise<void> {
    while (this.#running.length < this.#size) {
      this.#started += 1;
      const number = this.#started;
      this.#running = [...this.#running, { number, app: await this.#start(number) }];
    }
  }

  /** Takes the processes that were killed out of the running ones. */
  bury(): void {
    for (const { number, app } of this.#running.filter((one) => one.app.isDead)) {
      this.killed.add(number);
      this.#buried.push(app.bury());
    }
    this.#running = this.#running.filter(({ app }) => !app.isDead);
  }

  /** Stops all processes gracefully, or ends them at once, as the end of the machine does. */
  async stopAll(gracefully: boolean): Promise<void> {
    if (gracefully) for (const { app } of this.#running) await app.stop();
    else for (const { app } of this.#running) app.kill();
    this.bury();
    this.#running = [];
  }

  /** Takes back all kills that are armed. */
  spare(): void {
    for (const { app } of this.#running) app.spare();
  }

  async close(): Promise<void> {
    for (const { app } of this.#running) await app.stop();
    await Promise.all(this.#buried);
  }
}
