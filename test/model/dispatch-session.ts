import { ok } from 'node:assert/strict';
import { PermanentError, RetryLater } from 'nestjs-runhooks/core';
import type { DeliveryContext, WebhookEvent } from 'nestjs-runhooks/internal';
import { ManualClock } from 'nestjs-runhooks/testing';
import { DispatchHarness, START } from '../dispatch/dispatch-harness.js';
import {
  behaviorOf,
  LATER_MS,
  DEAD_LETTERS,
  type DispatchScript,
  type DispatchStep,
  type Mishap,
  type HandlerPlan,
} from './dispatch-script.js';
import { checkGuarantees, type Call, type Lost } from './dispatch-guarantees.js';
import type { InboxSite } from './inbox-site.js';
import { HOUR } from './script.js';

/** Rounds, an hour apart, after which all remaining work must be finished. */
const ROUNDS_MAX = 60;

/** Runs several processes one after the other on one inbox. */
export class DispatchSession {
  readonly #place: InboxSite;
  readonly #handlers: readonly HandlerPlan[];
  readonly #clock = new ManualClock(START);
  readonly #transcript: string[] = [];
  /** All processes that were not stopped. Killed processes are included, but no other process sees what they do. */
  readonly #opened = new Set<DispatchHarness>();
  /** Results of the run, checked at the end. */
  readonly #acknowledged = new Set<string>();
  readonly #calls: Call[] = [];
  readonly #lost: Lost[] = [];
  readonly #redriven: { readonly deliveryId: string; readonly attempts: number }[] = [];
  readonly #running = new Set<string>();
  #harness!: DispatchHarness;
  /** Times since the last start of work. */
  #working = { from: 0, to: 0 };
  #process = 0;
  #next: { callsLeft: number; readonly mishap: Mishap; readonly over: () => void } | undefined;

  constructor(place: InboxSite, handlers: readonly HandlerPlan[]) {
    this.#place = place;
    this.#handlers = [...handlers, DEAD_LETTERS];
  }

  /** Everything that happened so far, one line each. */
  get transcript(): string {
    return this.#transcript.join('\n');
  }

  /** Runs the script. Throws soon after `signal` is aborted, and always closes what it opened. */
  async play({ steps }: DispatchScript, signal: AbortSignal): Promise<void> {
    try {
      await this.#open();
      for (const step of steps) {
        signal.throwIfAborted();
        await this.#take(step);
      }
      await this.#finish(signal);
      await checkGuarantees(this.#harness.inbox, {
        acknowledged: this.#acknowledged,
        handlers: this.#handlers,
        calls: this.#calls,
        lost: this.#lost,
        redriven: this.#redriven,
      });
    } catch (error) {
      throw new Error(`${(error as Error).message}\n\nThe script:\n${this.transcript}`, { cause: error });
    } finally {
      await this.#end();
    }
  }

  async #end(): Promise<void> {
    try {
      for (const harness of this.#opened) await harness.close();
    } finally {
      await this.#place.remove();
    }
  }

  async #take(step: DispatchStep): Promise<void> {
    switch (step.do) {
      case 'send': {
        const { id, run, reports } = step;
        const message = { id, run: `${run}`, job: `job-${run % 2}`, types: reports };
        await this.#harness.send(message);
        this.#acknowledged.add(JSON.stringify(message));
        return this.#log(`send "${id}": run ${run} ${reports.join(' ')}`);
      }
      case 'work':
        return 'mishap' in step ? this.#workUntil(step.atCall, step.mishap) : this.#work();
      case 'restart':
        this.#log('restart');
        return this.#restart();
      case 'redrive':
        return this.#redrive();
      case 'clock':
        this.#log(`clock ${step.ms} ms`);
        return this.#clock.advance(step.ms);
    }
  }

  async #work(): Promise<void> {
    this.#log('work');
    await this.#idle();
  }

  /** Runs work, and interrupts the process during the handler call with that number. */
  async #workUntil(call: number, mishap: Mishap): Promise<void> {
    this.#log(`work; ${mishap} in call ${call}`);
    const isOver = new Promise<'over'>((resolve) => {
      this.#next = { callsLeft: call, mishap, over: () => resolve('over') };
    });
    const idle = this.#idle().then(() => 'idle' as const);
    const came = await Promise.race([isOver, idle]);
    this.#next = undefined;
    if (came === 'idle') return;
    if (mishap === 'stop') return this.#restart();
    await this.#open();
  }

  async #idle(): Promise<void> {
    const now = this.#clock.now().getTime();
    this.#working = { from: now, to: now };
    await this.#harness.idle();
  }

  async #restart(): Promise<void> {
    await this.#harness.close();
    this.#opened.delete(this.#harness);
    this.#process += 1;
    this.#running.clear();
    await this.#open();
  }

  async #redrive(): Promise<void> {
    const { items } = await this.#harness.inbox.deliveries({ state: 'dead' }, { limit: 1_000 });
    this.#redriven.push(...items.map(({ id, attempts }) => ({ deliveryId: id, attempts })));
    this.#log(`redrive ${await this.#harness.inbox.redrive({ by: 'me' })}`);
  }

  /** After any script, all work must end within the rounds. */
  async #finish(signal: AbortSignal): Promise<void> {
    this.#log('and now finish all that is left:');
    for (let round = 0; round < ROUNDS_MAX; round += 1) {
      signal.throwIfAborted();
      await this.#idle();
      const { messages, deliveries } = await this.#harness.inbox.counts();
      if (messages.stored + deliveries.pending === 0) return;
      this.#clock.advance(HOUR);
    }
    throw new Error(`after ${ROUNDS_MAX} hours there is still work left: something is stuck`);
  }

  async #open(): Promise<void> {
    const store = await this.#place.open();
    this.#harness = await DispatchHarness.open({ store, clock: this.#clock, concurrency: 1_000, abortGraceMs: 1 });
    this.#opened.add(this.#harness);
    for (const plan of this.#handlers) {
      const { id, types, attemptsMax, delayMs, serialize, concurrency } = plan;
      this.#harness.on(id, this.#handler(plan, this.#process), {
        types,
        timeoutMs: plan.does.some((one) => one === 'timeout' || one === 'deaf') ? 1 : 60_000,
        retry: { attemptsMax, delayMs, delayMsMax: delayMs },
        ...(serialize && { serialize }),
        ...(concurrency !== undefined && { concurrency }),
      });
    }
  }

  #handler(plan: HandlerPlan, process: number) {
    return async (event: WebhookEvent, delivery: DeliveryContext): Promise<void> => {
      if (process !== this.#process) return stopped(delivery);
      const run = 'run' in event && event.run ? Number(event.run.id) : 0;
      const call = this.#beginCall(plan, event, delivery, run);
      if (this.#meetMishap(call)) return stopped(delivery);
      const lanes = this.#lanesOf(plan, delivery.id, run);
      for (const lane of lanes) {
        ok(!this.#running.has(lane), `${lane} runs twice at the same time`);
        this.#running.add(lane);
      }
      const over = (): void => lanes.forEach((lane) => this.#running.delete(lane));
      delivery.signal.addEventListener('abort', over);
      try {
        await behave(behaviorOf(plan, run, delivery.attempt), delivery);
      } finally {
        over();
      }
    };
  }

  #beginCall(
    { id }: HandlerPlan,
    event: WebhookEvent,
    { id: deliveryId, attempt }: DeliveryContext,
    run: number,
  ): Call {
    const call: Call = {
      process: this.#process,
      handlerId: id,
      deliveryId,
      attempt,
      run,
      eventId: event.id,
      claimed: { ...this.#working },
      working: this.#working,
      stopped: false,
    };
    this.#calls.push(call);
    this.#log(`  ${id}: ${event.id}, attempt ${attempt}`);
    return call;
  }

  /** Returns whether this call sees its process end. */
  #meetMishap(call: Call): boolean {
    const next = this.#next;
    if (!next || (next.callsLeft -= 1) > 0) return false;
    const { mishap } = next;
    this.#next = undefined;
    this.#log(`  in this call: ${mishap}`);
    if (mishap === 'kill') this.#kill();
    else if (mishap === 'stop') call.stopped = true;
    else this.#jump(mishap === 'clock on an hour' ? HOUR : -HOUR);
    const isEnd = mishap === 'kill' || mishap === 'stop';
    if (isEnd) next.over();
    return isEnd;
  }

  #jump(ms: number): void {
    this.#clock.advance(ms);
    const now = this.#clock.now().getTime();
    this.#working.from = Math.min(this.#working.from, now);
    this.#working.to = Math.max(this.#working.to, now);
  }

  /** Kills the process. The next process continues with the files it left. */
  #kill(): void {
    this.#place.kill();
    this.#lost.push({ process: this.#process, at: this.#clock.now().getTime() });
    this.#process += 1;
    this.#running.clear();
  }

  #lanesOf({ id, serialize }: HandlerPlan, deliveryId: string, run: number): string[] {
    if (serialize === undefined) return [deliveryId];
    return [deliveryId, `${id} of ${serialize === 'run' ? `run ${run}` : `job-${run % 2}`}`];
  }

  #log(line: string): void {
    this.#transcript.push(`  ${line}`);
  }
}

async function behave(behavior: ReturnType<typeof behaviorOf>, delivery: DeliveryContext): Promise<void> {
  switch (behavior) {
    case 'ok':
      return undefined;
    case 'slow':
      for (let turn = 0; turn < 10; turn += 1) await new Promise((resolve) => setImmediate(resolve));
      return undefined;
    case 'fail':
      throw new TypeError('failed as planned');
    case 'throw undefined':
      return Promise.reject(undefined);
    case 'permanent':
      throw new PermanentError('never again');
    case 'later':
      throw new RetryLater(LATER_MS);
    case 'timeout':
      return stopped(delivery);
    case 'deaf':
      return new Promise(() => undefined);
  }
}

/** Resolves when the handler is aborted. */
function stopped({ signal }: DeliveryContext): Promise<void> {
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
}
