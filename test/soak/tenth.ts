import { statSync } from 'node:fs';

const SAMPLE_MS = 100;
const MB = 1024 * 1024;

/** One tenth of a soak. */
export interface Tenth {
  readonly messages: number;
  readonly seconds: number;
  readonly perSecond: number;
  /** From the call to the answer. */
  readonly acceptMsP50: number;
  readonly acceptMsP99: number;
  readonly cpuSeconds: number;
  /** The lowest that was seen: what garbage there is goes away, what leaks does not. */
  readonly rssMb: number;
  /** The file and its log, the largest that was seen. */
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

  /** What was measured since the last call. */
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
