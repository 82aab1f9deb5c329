import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { AbandonedCalls } from '../deliveries/abandoned-calls.js';
import type { Clock } from '../time/clock.js';
import type { ClockWatch } from '../clocks/clock-watch.js';
import type { HandlerSet } from '../handlers/handler-set.js';
import { LIMITS } from '../limits.js';
import { lapsedBefore, type Role } from '../handlers/registration.js';
import type { Store } from '../store/store.js';
import type { WorkScope } from '../store/claim.js';
import type { StoreGuard } from '../store/store-guard.js';
import { timers } from '../time/timers.js';
import { hasEnded, thisHost } from './this-host.js';

/** Options for a presence. */
export interface PresenceOptions {
  readonly store: Store;
  readonly handlers: HandlerSet;
  readonly clock: Clock;
  readonly guard: StoreGuard;
  /** Checks the clock before each heartbeat. */
  readonly watch: ClockWatch;
  readonly role: Role;
  readonly abandoned: AbandonedCalls;
  /** Token of all claims that this process makes of its own work. */
  readonly lease: string;
}

const NOTHING: WorkScope = { sources: [], handlerIds: [], taskHandlerIds: [] };

/**
 * Keeps this process and its handlers registered in the inbox. A worker combines its heartbeats with its polls
 * ({@link look}), and sends late ones by a timer ({@link keepLate}). Any other process sends all by a timer ({@link keep}).
 */
export class Presence {
  readonly #options: PresenceOptions;
  readonly #processId = randomUUID();
  #startedAt: Date | undefined;
  /** Monotonic time of the last heartbeat. */
  #heartbeatAtMs = 0;
  #timer: NodeJS.Timeout | undefined;
  /** Process ids of the other processes of this host that were running at a heartbeat. */
  readonly #neighbors = new Set<number>();
  #neighborsCheckedAtMs = 0;
  /** Heartbeat that was sent last. */
  #heartbeat: Promise<unknown> = Promise.resolve();

  constructor(options: PresenceOptions) {
    this.#options = options;
  }

  /** Registers the process. If the store fails, the failure is logged, and the next heartbeat registers it. */
  async start(): Promise<void> {
    // The shared clock decides which process started last, and so which version of a handler wins.
    await this.#options.watch.look();
    this.#startedAt ??= this.#options.clock.now();
    await this.renew();
  }

  /** Sends a heartbeat now, for example after handlers were added. */
  async renew(): Promise<void> {
    await this.look(NOTHING);
  }

  /** Sends heartbeats by a timer from now on, for a process that does not poll for work. */
  keep(): void {
    timers.clearInterval(this.#timer);
    this.#timer = timers.setInterval(() => void this.renew(), LIMITS.heartbeatMs).unref();
  }

  /**
   * Sends a heartbeat by a timer if a poll for work has not sent it in time, because a pass takes long. The handlers of the
   * process go on in the meantime, and another process must not take their deliveries for those of a process that is gone.
   * It sends none before {@link start}. Returns a function that ends it.
   */
  keepLate(): () => void {
    const send = (): void => {
      const isLate = timers.monotonicMs() - this.#heartbeatAtMs >= LIMITS.heartbeatLateMs;
      if (this.#startedAt !== undefined && isLate) void this.renew();
    };
    const timer = timers.setInterval(send, LIMITS.heartbeatMs / 2).unref();
    return () => timers.clearInterval(timer);
  }

  /**
   * Whether a heartbeat is due, because of its age, because the clock was set, or because another process of this host has
   * ended, whose work the heartbeat releases. Never before {@link start}.
   */
  get isDue(): boolean {
    if (this.#startedAt === undefined) return false;
    const isOld = timers.monotonicMs() - this.#heartbeatAtMs >= LIMITS.heartbeatMs;
    return isOld || this.#options.watch.hasStepped || this.#hasLostNeighbor();
  }

  /** Sends a heartbeat. Returns when the next work of `scope` is due, or `undefined` if none waits or the store fails. */
  async look(scope: WorkScope): Promise<Date | undefined> {
    this.#heartbeatAtMs = timers.monotonicMs();
    const heartbeat = this.#register(scope);
    this.#heartbeat = heartbeat;
    return await heartbeat;
  }

  async #register(scope: WorkScope): Promise<Date | undefined> {
    const { store, handlers, clock, guard, watch, role, abandoned, lease } = this.#options;
    await watch.look();
    const now = clock.now();
    // A start in the future, from a wrong clock, would make its versions of the handlers win forever.
    if (this.#startedAt && this.#startedAt > now) this.#startedAt = now;
    const { host, isGone } = thisHost();
    const registration = {
      processId: this.#processId,
      role,
      label: `${hostname()} ${process.pid}`,
      pid: process.pid,
      lease,
      host,
      isGone: (other: string, pid: number): boolean => {
        const isOver = isGone(other, pid);
        if (host !== '' && other === host && !isOver) this.#neighbors.add(pid);
        return isOver;
      },
      startedAt: this.#startedAt ?? now,
      handlers: handlers.registered(),
      abandoned: abandoned.counts(),
      lapsedBefore: lapsedBefore(now),
      missingBefore: new Date(now.getTime() - LIMITS.handlerMissingMs),
      clockAheadMs: watch.ownAheadMs,
      scope,
    };
    const register = async (): Promise<Date | undefined> => {
      const ended = [...this.#neighbors].filter(hasEnded);
      const dueAt = await store.register(registration, now);
      for (const pid of ended) this.#neighbors.delete(pid);
      return dueAt;
    };
    return await guard.write(register, undefined);
  }

  /** Checks the neighbors, each of which costs a system call. The next heartbeat forgets those that have ended. */
  #hasLostNeighbor(): boolean {
    const nowMs = timers.monotonicMs();
    if (nowMs - this.#neighborsCheckedAtMs < LIMITS.neighborCheckMs) return false;
    this.#neighborsCheckedAtMs = nowMs;
    return [...this.#neighbors].some(hasEnded);
  }

  /** Removes this process from the inbox. A process that does not call it counts as ended after a minute. */
  async stop(): Promise<void> {
    timers.clearInterval(this.#timer);
    await this.#heartbeat;
    if (this.#startedAt === undefined) return;
    this.#startedAt = undefined;
    const { store, guard } = this.#options;
    await guard.write(() => store.deregister(this.#processId), undefined);
  }
}
