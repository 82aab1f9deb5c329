import type { Logger } from 'nestjs-runhooks/core';
import { Feed } from './feed.js';
import { Gate } from './gate.js';
import { Pipeline } from './pipeline.js';
import { Meter, type Tenth } from './tenth.js';

/** Receives in progress at the same time; together they wait for a commit. */
const RECEIVING_MAX = 200;
/** Messages that are accepted but not handled yet. */
const UNHANDLED_MAX = 1_000;
/** Retention in the proportion of the defaults, 30 and 400 days, on a clock that advances a millisecond per message. */
const FINISHED_SHARE = 1 / 50;
const KEYS_OVER_SETTLED = 400 / 30;
/** Messages that the runtime needs before its memory is stable. */
const WARM_UP_MIN = 60_000;
/** Purges within the retention of finished messages. */
const PURGES_PER_RETENTION = 20;

export interface SoakOptions {
  readonly path: string;
  readonly messages: number;
  readonly report: (line: string) => void;
}

export interface SoakResult {
  readonly tenths: readonly Tenth[];
  /** Warnings of the pipeline; there should be none. */
  readonly warnings: readonly string[];
}

/** Sends messages through one inbox as fast as they are handled. */
export async function soak({ path, messages, report }: SoakOptions): Promise<SoakResult> {
  const finishedMs = Math.round(messages * FINISHED_SHARE);
  const deduplicationMs = Math.round(finishedMs * KEYS_OVER_SETTLED);
  const warnings: string[] = [];
  const hear = (message: string): void => void warnings.push(message);
  const logger: Logger = { debug: () => {}, log: () => {}, warn: hear, error: hear };
  const unhandled = new Gate(UNHANDLED_MAX);
  const pipeline = new Pipeline({ path, finishedMs, deduplicationMs, onHandled: () => unhandled.leave(), logger });
  await pipeline.open();
  // These warnings are about the disk, which the soak does not test.
  for (const warning of warnings.splice(0)) report(warning);
  const meter = new Meter(path);
  const run = new Run(pipeline, meter, unhandled, finishedMs / PURGES_PER_RETENTION);

  const warmUp = Math.max(finishedMs + deduplicationMs, WARM_UP_MIN);
  await run.send(warmUp);
  report(`warm-up        ${lineOf(meter.take())}`);
  const tenths: Tenth[] = [];
  for (let number = 1; number <= 10; number += 1) {
    await run.send(Math.floor((messages * number) / 10) - Math.floor((messages * (number - 1)) / 10));
    const tenth = meter.take();
    tenths.push(tenth);
    report(`tenth ${String(number).padStart(2)} of 10 ${lineOf(tenth)}`);
  }
  meter.stop();
  await run.finish();
  await pipeline.close();
  return { tenths, warnings };
}

class Run {
  readonly #pipeline: Pipeline;
  readonly #meter: Meter;
  readonly #unhandled: Gate;
  readonly #purgeEvery: number;
  readonly #receiving = new Gate(RECEIVING_MAX);
  readonly #feed = new Feed();
  #failure: unknown;
  #sent = 0;
  #purge: Promise<number> | undefined;

  constructor(pipeline: Pipeline, meter: Meter, unhandled: Gate, purgeEvery: number) {
    this.#pipeline = pipeline;
    this.#meter = meter;
    this.#unhandled = unhandled;
    this.#purgeEvery = Math.round(purgeEvery);
  }

  async send(count: number): Promise<void> {
    for (const end = this.#sent + count; this.#sent < end; this.#sent += 1) {
      await this.#unhandled.enter();
      await this.#receiving.enter();
      if (this.#failure !== undefined) throw this.#failure;
      this.#pipeline.clock.advance(1);
      this.#receiveOne().catch((error: unknown) => (this.#failure = error));
      if (this.#sent % this.#purgeEvery === 0) this.#purgeOnce();
    }
    await this.#receiving.empty();
  }

  async finish(): Promise<void> {
    await this.#unhandled.empty();
    await this.#purge;
    if (this.#failure !== undefined) throw this.#failure;
  }

  async #receiveOne(): Promise<void> {
    const startedAtMs = performance.now();
    const { status } = await this.#pipeline.receive(this.#feed.next());
    if (status !== 'accepted') throw new Error(`expected status "accepted" for a new message, got "${status}"`);
    this.#meter.accepted(performance.now() - startedAtMs);
    this.#receiving.leave();
  }

  /** Runs one purge at a time, like the app's own timer. */
  #purgeOnce(): void {
    this.#purge ??= this.#pipeline
      .purge()
      .catch((error: unknown) => {
        this.#failure = error;
        return 0;
      })
      .finally(() => (this.#purge = undefined));
  }
}

function lineOf(tenth: Tenth): string {
  const { messages, perSecond, acceptMsP50, acceptMsP99, cpuSeconds, rssMb, fileMb } = tenth;
  return (
    `${String(messages).padStart(7)} messages, accepted ${perSecond.toFixed(0).padStart(5)}/s ` +
    `(p50 ${acceptMsP50.toFixed(0)} ms, p99 ${acceptMsP99.toFixed(0)} ms), CPU ${cpuSeconds.toFixed(1)} s, ` +
    `RSS ${rssMb.toFixed(1)} MB, file ${fileMb.toFixed(1)} MB`
  );
}
