import { timers } from '../time/timers.js';

/** Aborts a call when its time is over, or when the caller aborts it. */
export class Deadline {
  readonly #controller = new AbortController();
  readonly #timeoutMs: number;
  readonly #caller: AbortSignal | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isOver = false;

  constructor(timeoutMs: number, caller: AbortSignal | undefined) {
    this.#timeoutMs = timeoutMs;
    this.#caller = caller;
    if (caller?.aborted) this.#follow();
    caller?.addEventListener('abort', this.#follow);
    this.restart();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Whether the time is over. An abort by the caller is not meant. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Starts the time anew. */
  restart(): void {
    this.pause();
    this.#timer = timers.setTimeout(() => {
      this.#isOver = true;
      this.#controller.abort();
    }, this.#timeoutMs);
  }

  /** Stops the time until {@link restart}. */
  pause(): void {
    timers.clearTimeout(this.#timer);
  }

  /** Ends the call's use of the deadline. */
  end(): void {
    this.pause();
    this.#caller?.removeEventListener('abort', this.#follow);
  }

  readonly #follow = (): void => this.#controller.abort(this.#caller?.reason);
}
