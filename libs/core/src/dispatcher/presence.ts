import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { AbandonedCalls } from '../deliveries/abandoned-calls.js';
import type { Clock } from '../clock.js';
import type { ClockWatch } from '../clocks/clock-watch.js';
import type { HandlerSet } from '../handlers/handler-set.js';
import { LIMITS } from '../limits.js';
import { lapsedBefore, type Role } from '../handlers/registration.js';
import type { Store } from '../store/store.js';
import type { WorkScope } from '../store/claim.js';
import type { StoreGuard } from '../store/store-guard.js';
import { timers } from '../timers.js';

export interface PresenceOptions {
  readonly store: Store;
  readonly handlers: HandlerSet;
  readonly clock: Clock;
  readonly guard: StoreGuard;
  /** Looked at before each word. */
  readonly watch: ClockWatch;
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
    // By the clock that decides: of two versions of a handler that of the process which started last counts.
    await this.#options.watch.look();
    this.#startedAt ??= this.#options.clock.now();
    await this.renew();
  }

  /** Says so now: there are more handlers. */
  async renew(): Promise<void> {
    await this.look(NOTHING);
  }

  /** From now on by itself, for a process that does not look for work. */
  keep(): void {
    this.#timer ??= timers.setInterval(() => void this.renew(), LIMITS.heartbeatMs).unref();
  }

  /** Whether it is time to say so again, or the clock was set. Never before {@link start}. */
  get isDue(): boolean {
    if (this.#startedAt === undefined) return false;
    return timers.monotonicMs() - this.#saidAtMs >= LIMITS.heartbeatMs || this.#options.watch.hasStepped;
  }

  /** Says so, and answers when the next work of `scope` is due; undefined if the store fails. */
  async look(scope: WorkScope): Promise<Date | undefined> {
    this.#saidAtMs = timers.monotonicMs();
    const saying = this.#say(scope);
    this.#saying = saying;
    return await saying;
  }

  async #say(scope: WorkScope): Promise<Date | undefined> {
    const { store, handlers, clock, guard, watch, role, abandoned } = this.#options;
    await watch.look();
    const now = clock.now();
    // By a clock that is wrong it started in another year, and its handlers would be the latest ever since.
    if (this.#startedAt && this.#startedAt > now) this.#startedAt = now;
    const registration = {
      processId: this.#processId,
      role,
      label: `${hostname()} ${process.pid}`,
      startedAt: this.#startedAt ?? now,
      handlers: handlers.registered(),
      abandoned: abandoned.counts(),
      lapsedBefore: lapsedBefore(now),
      missingBefore: new Date(now.getTime() - LIMITS.handlerMissingMs),
      clockAheadMs: watch.ownAheadMs,
      scope,
    };
    return await guard.write(() => store.register(registration, now), undefined);
  }

  /** Takes this process out of the inbox, if it was in it. Without that it counts as gone after a while. */
  async stop(): Promise<void> {
    timers.clearInterval(this.#timer);
    await this.#saying;
    if (this.#startedAt === undefined) return;
    this.#startedAt = undefined;
    const { store, guard } = this.#options;
    await guard.write(() => store.deregister(this.#processId), undefined);
  }
}
