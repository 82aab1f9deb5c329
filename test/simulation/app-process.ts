import type { IncomingHttpHeaders } from 'node:http';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Webhooks } from 'nestjs-runhooks';
import type { DynamicModule } from '@nestjs/common';
import type { StoreFactory } from 'nestjs-runhooks/core';
import type { RoundRunner } from 'nestjs-runhooks/internal';
import { waitUntilIdle } from 'nestjs-runhooks/testing';
import { KillableStore } from './killable-store.js';

export interface AppProcessOptions {
  readonly inbox: StoreFactory;
  /**
   * Returns the app's module.
   *
   * @param inbox the inbox of this process
   * @param isDead returns whether the process was killed
   */
  readonly module: (inbox: StoreFactory, isDead: () => boolean) => DynamicModule;
  /** Whether the process runs its rounds. */
  readonly sweeps: boolean;
}

/** Headers of a connection, which a load balancer does not forward. */
const HOP_BY_HOP = new Set(['connection', 'host', 'content-length', 'transfer-encoding']);

/** An app with its own connection to the inbox, which stands for a process: it can be killed between any two steps. */
export class AppProcess {
  readonly #app: NestFastifyApplication;
  readonly #url: string;
  readonly #store: KillableStore;
  readonly #sweeps: boolean;

  private constructor(app: NestFastifyApplication, url: string, store: KillableStore, sweeps: boolean) {
    this.#app = app;
    this.#url = url;
    this.#store = store;
    this.#sweeps = sweeps;
  }

  static async start({ inbox, module, sweeps }: AppProcessOptions): Promise<AppProcess> {
    const store = new KillableStore(inbox);
    const app = await NestFactory.create<NestFastifyApplication>(
      module(store, () => store.isDead),
      new FastifyAdapter(),
      { logger: false },
    );
    await app.listen(0, '127.0.0.1');
    return new AppProcess(app, await app.getUrl(), store, sweeps);
  }

  get isDead(): boolean {
    return this.#store.isDead;
  }

  /** Receives a webhook, and resolves with the status. Resolves with `undefined` if the process was killed before it responded. */
  async receive(path: string, headers: IncomingHttpHeaders, body: Buffer): Promise<number | undefined> {
    const kept = Object.entries(headers).filter(([name]) => !HOP_BY_HOP.has(name));
    const request = { method: 'POST', headers: Object.fromEntries(kept) as Record<string, string>, body };
    return await this.#untilDeath(fetch(this.#url + path, request).then(({ status }) => status));
  }

  /**
   * Runs the rounds that are due, parses messages and runs handlers, until nothing is due or the process was killed.
   *
   * @param sweepsFirst whether the rounds come before webhooks that are stored and not parsed yet
   */
  async work(sweepsFirst: boolean): Promise<void> {
    await this.#untilDeath(this.#work(sweepsFirst));
  }

  /**
   * Arms a kill at one of the next steps. It happens only if the process takes that many.
   *
   * @param part counts only calls of this part of the inbox
   */
  killAt(steps: number, isCutAfter: boolean, part?: string): void {
    this.#store.cutAt(steps, isCutAfter, part);
  }

  /** Takes back a kill that is armed. */
  spare(): void {
    this.#store.spare();
  }

  kill(): void {
    this.#store.cut();
  }

  /** Frees what the operating system would have freed. Nothing of it reaches the inbox. */
  async bury(): Promise<void> {
    await Promise.allSettled([this.#app.close(), this.#store.release()]);
  }

  /** Stops the process gracefully. A kill that is armed may come in between. */
  async stop(): Promise<void> {
    await this.#untilDeath(this.#app.close());
    if (this.isDead) await this.bury();
  }

  /** Address of the app. */
  get url(): string {
    return this.#url;
  }

  get app(): NestFastifyApplication {
    return this.#app;
  }

  async #work(sweepsFirst: boolean): Promise<void> {
    if (!sweepsFirst) await waitUntilIdle(this.#app);
    if (this.#sweeps) await this.#rounds.runDue();
    await waitUntilIdle(this.#app);
  }

  /** With `dispatch: 'manual'`, apps run rounds whether they are due or not. Calls a day need those that are due. */
  get #rounds(): RoundRunner {
    return this.#app.get(Webhooks)['runtime'].rounds;
  }

  async #untilDeath<T>(work: Promise<T>): Promise<T | undefined> {
    const ended = work.catch((error: unknown) => {
      if (this.isDead) return undefined;
      throw error;
    });
    return await Promise.race([ended, this.#store.died.then(() => undefined)]);
  }
}
