const EVERY_MS = 5;

/** Measures how long the event loop was blocked. Time in which other processes had the CPU is not counted. */
export class EventLoopWatch {
  #longestMs = 0;
  #timer: NodeJS.Timeout | undefined;
  #wallMs = 0;
  #cpuUs = 0;

  start(): void {
    this.#mark();
    this.#timer = setInterval(() => this.#look(), EVERY_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Returns the longest block since the last call. */
  takeLongestMs(): number {
    const longest = this.#longestMs;
    this.#longestMs = 0;
    return longest;
  }

  #look(): void {
    const cpuMs = (cpuUs() - this.#cpuUs) / 1_000;
    const wallMs = performance.now() - this.#wallMs - EVERY_MS;
    this.#longestMs = Math.max(this.#longestMs, Math.min(cpuMs, wallMs));
    this.#mark();
  }

  #mark(): void {
    this.#wallMs = performance.now();
    this.#cpuUs = cpuUs();
  }
}

function cpuUs(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}
