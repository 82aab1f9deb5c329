import type { Clock } from 'nestjs-runhooks';
import { randomKsuid } from '../../webhooks/random-ids.js';
import { FAKE_LIMITS } from '../../limits.js';
import type { FakeWebhookAttempt } from '../fake-webhook.js';
import type { FakeDbtMessageType, FakeDbtSubscription } from './fake-dbt-subscription.js';
import { microseconds } from './json-times.js';

/** All message types. */
export const MESSAGE_TYPES: readonly FakeDbtMessageType[] = ['job.run.started', 'job.run.completed', 'job.run.errored'];

/** Account of subscriptions, as they see it. */
export interface SubscriptionAccount {
  readonly id: string;
  readonly clock: Clock;
  readonly subscriptions: Map<string, DbtSubscription>;
}

/** Fields that a client can set. */
export interface SubscriptionFields {
  readonly name: string;
  readonly description: string;
  readonly url: string;
  readonly types: readonly FakeDbtMessageType[];
  readonly jobIds: readonly string[];
}

/** Attempt to send an event. */
interface Receipt {
  readonly id: string;
  readonly attempt: FakeWebhookAttempt;
  readonly response: string;
}

/** Event of a subscription. */
export interface SubscriptionEvent {
  readonly id: string;
  readonly type: string;
  readonly jobId: string;
  readonly payload: string;
  readonly receipts: Receipt[];
}

/** A subscription, with its log of events. */
export class DbtSubscription implements FakeDbtSubscription {
  readonly id = randomKsuid('wsu');
  readonly events: SubscriptionEvent[] = [];
  readonly #account: SubscriptionAccount;
  readonly #createdAt: Date;
  #updatedAt: Date;
  #deactivateReason: string | undefined;
  #last: FakeWebhookAttempt | undefined;
  #failures = 0;
  #failingSinceMs: number | undefined;
  fields: SubscriptionFields;

  constructor(
    account: SubscriptionAccount,
    fields: SubscriptionFields,
    readonly secret: string,
  ) {
    this.#account = account;
    this.#createdAt = account.clock.now();
    this.#updatedAt = this.#createdAt;
    this.fields = fields;
  }

  get isActive(): boolean {
    return this.#deactivateReason === undefined && this.#account.subscriptions.has(this.id);
  }

  deactivate(reason = 'Too many failed deliveries'): void {
    this.#deactivateReason = reason;
    this.#updatedAt = this.#account.clock.now();
  }

  activate(): void {
    this.#deactivateReason = undefined;
    this.#failures = 0;
    this.#failingSinceMs = undefined;
    this.#updatedAt = this.#account.clock.now();
  }

  delete(): void {
    this.#account.subscriptions.delete(this.id);
  }

  /** Replaces the fields. A new URL activates an inactive subscription in any case, as Terraform's provider for dbt found. */
  update(fields: SubscriptionFields, active: boolean): void {
    const isMoved = fields.url !== this.fields.url;
    this.fields = fields;
    this.#updatedAt = this.#account.clock.now();
    if (!this.isActive && (active || isMoved)) this.activate();
    else if (!active && this.isActive) this.deactivate('');
  }

  wants(type: FakeDbtMessageType, jobId: string): boolean {
    const { types, jobIds } = this.fields;
    return this.isActive && types.includes(type) && (jobIds.length === 0 || jobIds.includes(jobId));
  }

  /** Keeps the receipt of an attempt, and deactivates the subscription if it only fails. */
  record(event: SubscriptionEvent, attempt: FakeWebhookAttempt, response: string): void {
    event.receipts.push({ id: randomKsuid('wrc'), attempt, response });
    this.#last = attempt;
    if (attempt.status >= 200 && attempt.status < 300) {
      this.#failures = 0;
      this.#failingSinceMs = undefined;
      return;
    }
    const atMs = attempt.at.getTime();
    this.#failures += 1;
    this.#failingSinceMs ??= atMs;
    const failingMs = atMs - this.#failingSinceMs;
    if (this.#failures >= FAKE_LIMITS.dbtFailuresMax || failingMs >= FAKE_LIMITS.dbtFailuresMs) this.deactivate();
  }

  /** Returns the subscription as the webhooks API shows it. Its secret is only in the response to its creation. */
  toJson(): Record<string, unknown> {
    const { name, description, url, types, jobIds } = this.fields;
    return {
      id: this.id,
      account_identifier: `act_${this.#account.id}`,
      account_id: this.#account.id,
      name,
      description,
      job_ids: jobIds.map(Number),
      event_types: types,
      client_url: url,
      active: this.isActive,
      deactivate_reason: this.#deactivateReason ?? '',
      created_at: microseconds(this.#createdAt),
      updated_at: microseconds(this.#updatedAt),
      dispatched_at: this.#last === undefined ? '0' : microseconds(this.#last.at),
      http_status_code: String(this.#last?.status ?? 0),
    };
  }

  eventJson({ id, type, jobId, payload, receipts }: SubscriptionEvent): Record<string, unknown> {
    return {
      id,
      subscription_id: this.id,
      account_identifier: `act_${this.#account.id}`,
      account_id: this.#account.id,
      job_id: jobId,
      trigger_event_type: type,
      payload,
      http_status_code: String(receipts.at(-1)?.attempt.status ?? 0),
    };
  }

  receiptsJson({ id: eventId, payload, receipts }: SubscriptionEvent): readonly Record<string, unknown>[] {
    return receipts.map(({ id, attempt, response }) => ({
      id,
      event_id: eventId,
      subscription_id: this.id,
      dispatched_at: microseconds(attempt.at),
      http_status_code: String(attempt.status),
      error_info: attempt.status === 0 ? 'connection failed' : '',
      request_body: payload,
      request_headers: '{"Content-Type":["application/json"]}',
      response_body: response,
    }));
  }
}
