import { setTimeout as sleep } from 'node:timers/promises';
import type { Role } from 'nestjs-runhooks';
import type { Life } from '../crash/life.js';

const READY_MS_MAX = 60_000;
/** Between the end of a process that could not start and the next one. */
const AGAIN_MS = 200;

export interface ReplicaOptions {
  readonly role: Role;
  /** The next process, loading. */
  readonly load: (role: Role) => Life;
  /** Whether a process that began then may have found no database. */
  readonly mayFailToStart: (beganAtMs: number) => boolean;
  readonly pauseMs: number;
}

/** A place in the cluster, and the processes that take it one after the other, as an orchestrator starts them. */
export class Replica {
  readonly #options: ReplicaOptions;
  #life: Life;
  /** Whether the process has started, and has not merely tried to. */
  #hasRun = false;
  #isStruck = false;
  #isOver = false;

  constructor(options: ReplicaOptions) {
    this.#options = options;
    this.#life = this.#begin();
  }

  get role(): Role {
    return this.#options.role;
  }

  /** Where it takes requests now. */
  get port(): number | undefined {
    return this.#life.port;
  }

  /** Whether it can be struck now: it runs, or is about to. */
  get isWhole(): boolean {
    return !this.#isStruck;
  }

  /** Answers false if the process had just ended by itself, for want of a database. */
  async kill(): Promise<boolean> {
    const life = this.#life;
    const isKilled = await this.#struck(async () => {
      try {
        await life.kill();
        return true;
      } catch (error) {
        if (this.#hasRun || !this.#options.mayFailToStart(life.beganAtMs)) throw error;
        return false;
      }
    });
    if (life === this.#life && !this.#isOver) this.#life = this.#begin();
    return isKilled;
  }

  async pause(): Promise<void> {
    await this.#struck(() => this.#life.pause(this.#options.pauseMs));
  }

  /** Throws if it does not come to run. */
  async untilReady(): Promise<void> {
    const deadline = performance.now() + READY_MS_MAX;
    while (this.#life.port === undefined) {
      if (performance.now() > deadline) throw new Error(`process ${this.#life.number} did not start; its log says why`);
      await sleep(20);
    }
  }

  /** Throws if it ends otherwise than is expected of it, or had ended before. */
  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#life.stop();
  }

  discard(): void {
    this.#isOver = true;
    this.#life.discard();
  }

  #begin(): Life {
    this.#hasRun = false;
    const life = this.#options.load(this.role);
    life.begin();
    void this.#watch(life);
    return life;
  }

  /** One that ends while it starts is followed by another, if there was a reason. */
  async #watch(life: Life): Promise<void> {
    const port = await life.ready;
    if (port !== undefined) {
      this.#hasRun = true;
      return;
    }
    if (!this.#options.mayFailToStart(life.beganAtMs)) return;
    await sleep(AGAIN_MS);
    if (!this.#isOver && life === this.#life && life.end === undefined) this.#life = this.#begin();
  }

  async #struck<T>(blow: () => Promise<T>): Promise<T> {
    this.#isStruck = true;
    try {
      return await blow();
    } finally {
      this.#isStruck = false;
    }
  }
}
