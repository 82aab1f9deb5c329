import type { ProcessSummary, Registration, RegisteredHandler } from 'nestjs-runhooks/core';
import { LIMITS } from 'nestjs-runhooks/internal';
import { SQL_LIMITS } from 'inside/sql-limits';

interface ModelProcess {
  readonly registration: Registration;
  readonly seenAt: Date;
}

interface ModelHandler extends RegisteredHandler {
  /** Start of the process that registered the handler. */
  since: number;
  seenAt: number;
}

/** Registered processes and known handlers. */
export class RegistryModel {
  readonly #processes = new Map<string, ModelProcess>();
  readonly #handlers = new Map<string, ModelHandler>();
  /** Time of the last call, and of the last jump of that time. */
  #clockSeenMs: number | undefined;
  #jumpedAtMs: number | undefined;

  register(registration: Registration, now: Date): void {
    const { processId, startedAt, handlers, lapsedBefore, missingBefore } = registration;
    const since = Math.min(startedAt.getTime(), now.getTime());
    const isJump = this.#noteClock(now.getTime());
    for (const handler of this.#handlers.values()) {
      handler.seenAt = Math.min(handler.seenAt, now.getTime());
      if (handler.since > now.getTime() + LIMITS.clockSkewMs) handler.since = 0;
    }
    this.#processes.set(processId, { registration, seenAt: now });
    for (const handler of handlers) {
      const known = this.#handlers.get(handler.id);
      const isOld = known && known.seenAt < now.getTime() - SQL_LIMITS.handlerSeenMs;
      if (known?.version === handler.version) known.seenAt = isOld ? now.getTime() : known.seenAt;
      else if (!known || known.since < since)
        this.#handlers.set(handler.id, { ...handler, since, seenAt: now.getTime() });
    }
    const lapsesAfter = 2 * now.getTime() - lapsedBefore.getTime();
    for (const [id, { seenAt }] of this.#processes) {
      if (seenAt < lapsedBefore || seenAt.getTime() > lapsesAfter) this.#processes.delete(id);
    }
    if (isJump) return;
    for (const [id, { seenAt }] of this.#handlers) if (seenAt < missingBefore.getTime()) this.#handlers.delete(id);
  }

  /** Returns whether the time jumped, now or recently. */
  #noteClock(nowMs: number): boolean {
    const movedMs = nowMs - (this.#clockSeenMs ?? nowMs);
    const isFirst = this.#clockSeenMs === undefined;
    if (isFirst || Math.abs(movedMs) > LIMITS.clockJumpMs || movedMs >= SQL_LIMITS.clockNoteMs)
      this.#clockSeenMs = nowMs;
    if (Math.abs(movedMs) > LIMITS.clockJumpMs) this.#jumpedAtMs = nowMs;
    return this.#jumpedAtMs !== undefined && nowMs - this.#jumpedAtMs < LIMITS.purgeBrakeMs;
  }

  deregister(processId: string): void {
    this.#processes.delete(processId);
  }

  /** Removes a handler unless a process has it. */
  forget(handlerId: string): void {
    const isThere = [...this.#processes.values()].some(({ registration }) =>
      registration.handlers.some(({ id }) => id === handlerId),
    );
    if (!isThere) this.#handlers.delete(handlerId);
  }

  othersThan(versions: readonly string[]): string[] {
    const others = [...this.#handlers.values()].filter(({ version }) => !versions.includes(version));
    return others.map(({ version }) => version).sort((a, b) => (a < b ? -1 : 1));
  }

  processes(seenFrom: Date): ProcessSummary[] {
    const seen = [...this.#processes.values()].filter(({ seenAt }) => seenAt >= seenFrom);
    const summaries = seen.map(({ registration, seenAt }) => {
      const { processId: id, role, label, startedAt, handlers, abandoned } = registration;
      const handlerIds = handlers.map((handler) => handler.id);
      return { id, role, label, startedAt, seenAt, clockAheadMs: 0, handlerIds, abandoned };
    });
    return summaries.sort((a, b) => a.startedAt.getTime() - b.startedAt.getTime() || (a.id < b.id ? -1 : 1));
  }

  /** Returns the handlers of all running workers. */
  handlersOfWorkers(seenFrom: Date): Set<string> {
    const workers = this.processes(seenFrom).filter(({ role }) => role !== 'receiver');
    return new Set(workers.flatMap(({ handlerIds }) => handlerIds));
  }
}
