import { statSync } from 'node:fs';

const SAMPLE_MS = 100;
const MB = 1024 * 1024;

/** Measurements of one tenth of a soak. */
export interface Tenth {
  readonly messages: number;
  readonly seconds: number;
  readonly perSecond: number;
  /** Median time from the call to its result. */
  readonly acceptMsP50: number;
  readonly acceptMsP99: number;
  readonly cpuSeconds: number;
  /** Lowest memory use. Garbage does not count in it, but a leak does. */
  readonly rssMb: number;
  /** Largest size of the file and its log. */
  readonly fileMb: number;
}

/** Measures while messages are accepted. */
export class Meter {
  readonly #path: string;
  readonly #sampler: NodeJS.Timeout;
  #acceptMs: number[] = [];
  #startedAtMs = performance.now();
  #cpu = process.cpuUsage();
  #rss = Infinity;
  #file = 0;

  constructor(path: string) {
    this.#path = path;
    this.#sampler = setInterval(() => this.#sample(), SAMPLE_MS);
  }

  accepted(tookMs: number): void {
    this.#acceptMs.push(tookMs);
  }

  /** Returns the measurements since the last call. */
  take(): Tenth {
    this.#sample();
    const now = performance.now();
    const seconds = (now - this.#startedAtMs) / 1_000;
    const { user, system } = process.cpuUsage(this.#cpu);
    const sorted = Float64Array.from(this.#acceptMs).sort();
    const at = (share: number): number => sorted[Math.floor(sorted.length * share)] ?? 0;
    const tenth = {
      messages: sorted.length,
      seconds,
      perSecond: sorted.length / seconds,
      acceptMsP50: at(0.5),
      acceptMsP99: at(0.99),
      cpuSeconds: (user + system) / 1_000_000,
      rssMb: this.#rss / MB,
      fileMb: this.#file / MB,
    };
    this.#acceptMs = [];
    this.#startedAtMs = now;
    this.#cpu = process.cpuUsage();
    this.#rss = Infinity;
    this.#file = 0;
    return tenth;
  }

  stop(): void {
    clearInterval(this.#sampler);
  }

  #sample(): void {
    this.#rss = Math.min(this.#rss, process.memoryUsage.rss());
    const bytesOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0;
    this.#file = Math.max(this.#file, bytesOf(this.#path) + bytesOf(`${this.#path}-wal`));
  }
}
