import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { AbandonedCalls } from './abandoned-calls.js';
import type { Clock } from './clock.js';
import type { HandlerSet } from './handler-set.js';
import { LIMITS } from './limits.js';
import { lapsedBefore, type Role } from './registration.js';
import type { Store, WorkScope } from './store.js';
import type { StoreGuard } from './store-guard.js';

export interface PresenceOptions {
  readonly store: Store;
  readonly handlers: HandlerSet;
  readonly clock: Clock;
  readonly guard: StoreGuard;
  readonly role: Role;
  readonly abandoned: AbandonedCalls;
}

const NOTHING: WorkScope = { sources: [], handlerIds: [], taskHandlerIds: [] };

/**
 * Keeps this process and its handlers registered in the inbox while it lives. A dispatcher that looks for work says so
 * in the same step; any other process by a timer ({@link keep}).
 */
export class Presence {
  readonly #options: PresenceOptions;
  readonly #processId = randomUUID();
  #startedAt: Date | undefined;
  /** When it was last said, by a clock that nobody sets. */
  #saidAtMs = 0;
  #timer: NodeJS.Timeout | undefined;
  #saying: Promise<unknown> = Promise.resolve();

  constructor(options: PresenceOptions) {
    this.#options = options;
  }

  /** Registers for the first time. If the store fails, that is logged, and it is tried again with the next word. */
  async start(): Promise<void> {
    this.#startedAt ??= this.#options.clock.now();
    await this.renew();
  }

  /** Says so now: there are more handlers. */
  async renew(): Promise<void> {
    await this.look(NOTHING);
  }

  /** From now on by itself, for a process that does not look for work. */
  keep(): void {
    this.#timer ??= setInterval(() => void this.renew(), LIMITS.heartbeatMs).unref();
  }

  /** Whether it is time to say so again. Never before {@link start}. */
  get isDue(): boolean {
    return this.#startedAt !== undefined && performance.now() - this.#saidAtMs >= LIMITS.heartbeatMs;
  }

  /** Says so, and answers when the next work of `scope` is due; undefined if the store fails. */
  async look(scope: WorkScope): Promise<Date | undefined> {
    const { store, handlers, clock, guard, role, abandoned } = this.#options;
    const now = clock.now();
    this.#saidAtMs = performance.now();
    const registration = {
      processId: this.#processId,
      role,
      label: `${hostname()} ${process.pid}`,
      startedAt: this.#startedAt ?? now,
      handlers: handlers.registered(),
      abandoned: abandoned.counts(),
      lapsedBefore: lapsedBefore(now),
      missingBefore: new Date(now.getTime() - LIMITS.handlerMissingMs),
      scope,
    };
    const saying = guard.write(() => store.register(registration, now), undefined);
    this.#saying = saying;
    return await saying;
  }

  /** Takes this process out of the inbox, if it was in it. Without that it counts as gone after a while. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#saying;
    if (this.#startedAt === undefined) return;
    this.#startedAt = undefined;
    const { store, guard } = this.#options;
    await guard.write(() => store.deregister(this.#processId), undefined);
  }
}
