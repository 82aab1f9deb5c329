import type { Clock } from 'nestjs-runhooks';
import type { SignedWebhook } from '../webhooks/signed-webhook.js';
import { FAKE_LIMITS } from '../limits.js';
import type { FakeWebhook, FakeWebhookAttempt } from './fake-webhook.js';
import type { Faults, ReorderGroup } from './faults.js';

/** Webhook to send. */
export interface OutgoingWebhook {
  readonly id: string;
  readonly type: string;
  readonly runId: string;
  readonly url: string;
  /** Earliest time of the first attempt; absent to send it at once. */
  readonly dueAt?: Date;
  /** Signs the webhook for an attempt at this time. */
  sign(now: Date): SignedWebhook;
  /** Called before each attempt: whether the webhook may still be sent. */
  isActive(): boolean;
  /** Called after each attempt. */
  attempted(attempt: FakeWebhookAttempt, response: string): void;
}

interface Entry {
  readonly webhook: OutgoingWebhook;
  readonly attempts: FakeWebhookAttempt[];
  state: FakeWebhook['state'];
  dueMs: number;
  repeats: boolean;
  group?: ReorderGroup;
}

/** Sends webhooks in order, with their faults and retries. */
export class WebhookOutbox {
  readonly #clock: Clock;
  readonly #faults: Faults;
  readonly #retryDelaysMs: readonly number[];
  readonly #entries: Entry[] = [];
  readonly #tracked = new Set<Promise<void>>();
  #waiting: Entry[] = [];

  constructor(clock: Clock, faults: Faults, retryDelaysMs: readonly number[]) {
    this.#clock = clock;
    this.#faults = faults;
    this.#retryDelaysMs = retryDelaysMs;
  }

  get webhooks(): readonly FakeWebhook[] {
    return this.#entries.map(({ webhook: { id, type, runId }, state, attempts }) => {
      return { id, type, runId, state, attempts: [...attempts] };
    });
  }

  /** Adds a webhook, and sends it unless a fault or its time keeps it back. */
  async add(webhook: OutgoingWebhook): Promise<void> {
    const dueMs = (webhook.dueAt ?? this.#clock.now()).getTime();
    const entry: Entry = { webhook, attempts: [], state: 'waiting', dueMs, repeats: false };
    this.#entries.push(entry);
    const fault = this.#faults.takeForWebhook();
    if (fault?.kind === 'lose') {
      entry.state = 'lost';
      return;
    }
    if (fault?.kind === 'repeat') entry.repeats = true;
    if (fault?.kind === 'delay') entry.dueMs += fault.ms;
    this.#waiting.push(entry);
    if (fault?.kind === 'reorder') await this.#hold(entry, fault.group);
    else if (entry.dueMs <= this.#clock.now().getTime()) await this.#attempt(entry);
  }

  /** Sends what is due by the clock, and what waits for others of its group. */
  async sendDue(): Promise<void> {
    await this.idle();
    const nowMs = this.#clock.now().getTime();
    for (const entry of this.#waiting.filter(({ dueMs }) => dueMs <= nowMs)) await this.#attempt(entry);
  }

  /** Remembers work that a call started and did not wait for. */
  track(work: Promise<void>): void {
    const tracked = work.finally(() => this.#tracked.delete(tracked));
    this.#tracked.add(tracked);
  }

  /** Resolves when the tracked work has ended. */
  async idle(): Promise<void> {
    await Promise.allSettled(this.#tracked);
  }

  async #hold(entry: Entry, group: ReorderGroup): Promise<void> {
    entry.group = group;
    const held = this.#waiting.filter((one) => one.group === group);
    if (held.length < group.size) return;
    for (const one of held.reverse()) await this.#attempt(one);
  }

  async #attempt(entry: Entry): Promise<void> {
    if (entry.state !== 'waiting') return;
    delete entry.group;
    const { webhook } = entry;
    if (!webhook.isActive()) return this.#end(entry, 'failed');
    for (let sends = entry.repeats ? 2 : 1; sends > 0; sends -= 1) {
      const at = this.#clock.now();
      const { status, body } = await send(webhook.url, webhook.sign(at));
      const attempt = { at, status };
      entry.attempts.push(attempt);
      webhook.attempted(attempt, body);
    }
    entry.repeats = false;
    const { status = 0 } = entry.attempts.at(-1) ?? {};
    if (status >= 200 && status < 300) return this.#end(entry, 'delivered');
    const delayMs = this.#retryDelaysMs[entry.attempts.length - 1];
    if (delayMs === undefined) return this.#end(entry, 'failed');
    entry.dueMs = this.#clock.now().getTime() + delayMs;
  }

  #end(entry: Entry, state: FakeWebhook['state']): void {
    entry.state = state;
    this.#waiting = this.#waiting.filter((one) => one !== entry);
  }
}

/** Sends a webhook once. A redirect is a failure, as for the providers. */
async function send(url: string, { headers, body }: SignedWebhook): Promise<{ status: number; body: string }> {
  try {
    const signal = AbortSignal.timeout(FAKE_LIMITS.webhookTimeoutMs);
    const response = await fetch(url, {
      method: 'POST',
      headers: { ...headers, connection: 'close' },
      body,
      redirect: 'manual',
      signal,
    });
    return { status: response.status, body: await response.text() };
  } catch {
    return { status: 0, body: '' };
  }
}
