import type { Logger } from 'nestjs-runhooks/core';
import { Feed } from './feed.js';
import { Gate } from './gate.js';
import { Pipeline } from './pipeline.js';
import { Meter, type Tenth } from './tenth.js';

/** Receives under way at the same time; together they wait for a commit. */
const RECEIVING_MAX = 200;
/** Messages accepted, but not handled yet. */
const UNHANDLED_MAX = 1_000;
/** Retention as in the defaults, 30 and 400 days, of a clock that advances a millisecond with each message. */
const SETTLED_SHARE = 1 / 50;
const KEYS_OVER_SETTLED = 400 / 30;
/** What the runtime takes before its memory stays as it is. */
const WARM_UP_MIN = 60_000;
/** Looks for what is old, in the time that settled messages are kept. */
const PURGES_PER_SETTLED = 20;

export interface SoakOptions {
  readonly path: string;
  readonly messages: number;
  readonly say: (line: string) => void;
}

export interface SoakResult {
  readonly tenths: readonly Tenth[];
  /** What was warned of; nothing should be. */
  readonly said: readonly string[];
}

/** Sends messages through one inbox as fast as they are handled. */
export async function soak({ path, messages, say }: SoakOptions): Promise<SoakResult> {
  const finishedMs = Math.round(messages * SETTLED_SHARE);
  const deduplicationMs = Math.round(finishedMs * KEYS_OVER_SETTLED);
  const said: string[] = [];
  const hear = (message: string): void => void said.push(message);
  const logger: Logger = { debug: () => {}, log: () => {}, warn: hear, error: hear };
  const unhandled = new Gate(UNHANDLED_MAX);
  const pipeline = new Pipeline({ path, finishedMs, deduplicationMs, onHandled: () => unhandled.leave(), logger });
  await pipeline.open();
  // About the disk, which is not what is tried here.
  for (const warning of said.splice(0)) say(warning);
  const meter = new Meter(path);
  const run = new Run(pipeline, meter, unhandled, finishedMs / PURGES_PER_SETTLED);

  const warmUp = Math.max(finishedMs + deduplicationMs, WARM_UP_MIN);
  await run.send(warmUp);
  say(`warm-up        ${lineOf(meter.take())}`);
  const tenths: Tenth[] = [];
  for (let number = 1; number <= 10; number += 1) {
    await run.send(Math.floor((messages * number) / 10) - Math.floor((messages * (number - 1)) / 10));
    const tenth = meter.take();
    tenths.push(tenth);
    say(`tenth ${String(number).padStart(2)} of 10 ${lineOf(tenth)}`);
  }
  meter.stop();
  await run.finish();
  await pipeline.close();
  return { tenths, said };
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
    if (status !== 'accepted') throw new Error(`a new message was answered "${status}"`);
    this.#meter.accepted(performance.now() - startedAtMs);
    this.#receiving.leave();
  }

  /** One after the other, as the app's own timer does. */
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
