import { LIMITS } from '../limits.js';
import { durationText } from '../time/duration-text.js';
import { timers } from '../time/timers.js';
import type { Logger } from './logger.js';

/** A second of one source, from its first line. */
interface Second {
  readonly startMs: number;
  lines: number;
}

/**
 * Limits the lines that are logged for each message, because under load they cost more than the messages: of each source,
 * the first `LIMITS.messageLinesMax` of a second are logged, and the others are counted in one line. Warnings never ask it.
 */
export class CountedLines {
  readonly #logger: Logger;
  readonly #past: string;
  readonly #seconds = new Map<string, Second>();
  #timer: NodeJS.Timeout | undefined;

  /** @param past what happened to the messages: `accepted` */
  constructor(logger: Logger, past: string) {
    this.#logger = logger;
    this.#past = past;
  }

  /** Returns whether the line about a message of `source` must be logged, and counts it. */
  isLogged(source: string): boolean {
    const second = this.#seconds.get(source);
    if (second) return ++second.lines <= LIMITS.messageLinesMax;
    this.#seconds.set(source, { startMs: timers.monotonicMs(), lines: 1 });
    this.#timer ??= timers.setTimeout(() => this.flush(), LIMITS.messageLinesMs).unref();
    return true;
  }

  /** Logs the counts, and begins a new second. Call it at shutdown, so that no count is lost. */
  flush(): void {
    timers.clearTimeout(this.#timer);
    this.#timer = undefined;
    const nowMs = timers.monotonicMs();
    for (const [source, { startMs, lines }] of this.#seconds) {
      const counted = lines - LIMITS.messageLinesMax;
      if (counted <= 0) continue;
      const more = counted === 1 ? '1 more message was' : `${counted} more messages were`;
      this.#logger.log(`Source "${source}": ${more} ${this.#past} in ${durationText(nowMs - startMs)}`, { source });
    }
    this.#seconds.clear();
  }
}
