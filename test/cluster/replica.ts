import { setTimeout as sleep } from 'node:timers/promises';
import type { Role } from 'nestjs-runhooks';
import type { ProcessRun } from '../crash/process-run.js';

const READY_MS_MAX = 60_000;
/** Time between the end of a process that could not start and the next one. */
const RESTART_MS = 200;

export interface ReplicaOptions {
  readonly role: Role;
  /** Loads the next process. */
  readonly load: (role: Role) => ProcessRun;
  /** Returns whether a process that began then may have found no database. */
  readonly mayFailToStart: (beganAtMs: number) => boolean;
  readonly pauseMs: number;
}

/** A slot in the cluster and the processes that fill it one after the other, as an orchestrator starts them. */
export class Replica {
  readonly #options: ReplicaOptions;
  #processRun: ProcessRun;
  /** True once the process has started successfully. */
  #hasRun = false;
  #isBeingHit = false;
  #isOver = false;

  constructor(options: ReplicaOptions) {
    this.#options = options;
    this.#processRun = this.#begin();
  }

  get role(): Role {
    return this.#options.role;
  }

  /** The port at which the process receives requests now. */
  get port(): number | undefined {
    return this.#processRun.port;
  }

  /** True if a fault can hit the process now, because it runs or starts. */
  get canBeHit(): boolean {
    return !this.#isBeingHit;
  }

  /** Returns false if the process had just ended by itself because the database was unavailable. */
  async kill(): Promise<boolean> {
    const processRun = this.#processRun;
    const isKilled = await this.#hit(async () => {
      try {
        await processRun.kill();
        return true;
      } catch (error) {
        if (this.#hasRun || !this.#options.mayFailToStart(processRun.beganAtMs)) throw error;
        return false;
      }
    });
    if (processRun === this.#processRun && !this.#isOver) this.#processRun = this.#begin();
    return isKilled;
  }

  async pause(): Promise<void> {
    await this.#hit(() => this.#processRun.pause(this.#options.pauseMs));
  }

  /** Throws if the process does not start. */
  async untilReady(): Promise<void> {
    const deadline = performance.now() + READY_MS_MAX;
    while (this.#processRun.port === undefined) {
      if (performance.now() > deadline)
        throw new Error(`process ${this.#processRun.number} did not start; see its log for the reason`);
      await sleep(20);
    }
  }

  /** Throws if the process ends with another result than a graceful stop, or had ended before. */
  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#processRun.stop();
  }

  discard(): void {
    this.#isOver = true;
    this.#processRun.discard();
  }

  #begin(): ProcessRun {
    this.#hasRun = false;
    const processRun = this.#options.load(this.role);
    processRun.begin();
    void this.#watch(processRun);
    return processRun;
  }

  /** Starts the next process if this one ends during its start and the database was unavailable. */
  async #watch(processRun: ProcessRun): Promise<void> {
    const port = await processRun.ready;
    if (port !== undefined) {
      this.#hasRun = true;
      return;
    }
    if (!this.#options.mayFailToStart(processRun.beganAtMs)) return;
    await sleep(RESTART_MS);
    if (!this.#isOver && processRun === this.#processRun && processRun.end === undefined)
      this.#processRun = this.#begin();
  }

  async #hit<T>(fault: () => Promise<T>): Promise<T> {
    this.#isBeingHit = true;
    try {
      return await fault();
    } finally {
      this.#isBeingHit = false;
    }
  }
}
