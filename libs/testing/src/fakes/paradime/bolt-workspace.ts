import type { Clock } from 'nestjs-runhooks';
import { TEST_SECRETS } from 'nestjs-runhooks/core';
import { paradimeWebhook } from '../../webhooks/paradime-webhook.js';
import { randomKsuid } from '../../webhooks/random-ids.js';
import type { Faults } from '../faults.js';
import type { WebhookOutbox } from '../webhook-outbox.js';
import { BoltRun, type BoltCommand } from './bolt-run.js';
import { BoltSchedule } from './bolt-schedule.js';
import { payloadOf } from './bolt-webhook.js';
import type { FakeBoltRunOptions } from './fake-bolt-run.js';
import type { FakeBoltScheduleOptions } from './fake-bolt-schedule.js';
import type { FakeBoltSubscription, FakeBoltSubscriptionOptions } from './fake-bolt-subscription.js';

/** Path of the API. */
export const GRAPHQL_PATH = '/api/v1/fakecompany/graphql';

/** Options for {@link BoltWorkspace}. */
export interface BoltWorkspaceOptions {
  readonly name: string;
  readonly uid: string;
  readonly clock: Clock;
  readonly faults: Faults;
  readonly outbox: WebhookOutbox;
}

/** First ids. They are `Int` in Paradime's API, so they have at most 31 bits. */
const FIRST_IDS = { schedule: 973_767, run: 63_187, command: 193_439, resource: 1_205_731 };

/** A workspace, with all that it contains. */
export class BoltWorkspace {
  readonly name: string;
  readonly uid: string;
  readonly clock: Clock;
  readonly faults: Faults;
  readonly schedules: BoltSchedule[] = [];
  /** Runs by id, in the order of their creation. */
  readonly runs = new Map<string, BoltRun>();
  /** Origin of the server. It is set when the server listens. */
  origin = '';
  readonly #outbox: WebhookOutbox;
  readonly #subscriptions: Subscription[] = [];
  readonly #runsOfSchedules = new Map<BoltSchedule, BoltRun[]>();
  readonly #nextIds = { ...FIRST_IDS };

  constructor({ name, uid, clock, faults, outbox }: BoltWorkspaceOptions) {
    this.name = name;
    this.uid = uid;
    this.clock = clock;
    this.faults = faults;
    this.#outbox = outbox;
  }

  /** Address of the API, as webhooks have it. */
  get apiUrl(): string {
    return this.origin + GRAPHQL_PATH;
  }

  newId(kind: keyof typeof FIRST_IDS): number {
    const id = this.#nextIds[kind];
    this.#nextIds[kind] += 1;
    return id;
  }

  addSchedule(options: FakeBoltScheduleOptions): BoltSchedule {
    const schedule = new BoltSchedule(this, this.newId('schedule'), options);
    if (this.schedule(schedule.key)) {
      throw new RangeError(`schedule({ name }): expected a new name or slug, got ${JSON.stringify(schedule.key)}`);
    }
    this.schedules.push(schedule);
    return schedule;
  }

  /** Returns a schedule by its slug, or by its name if it has none. */
  schedule(key: string): BoltSchedule | undefined {
    return this.schedules.find((schedule) => schedule.key === key);
  }

  queue(
    schedule: BoltSchedule,
    options: FakeBoltRunOptions,
    reason?: string,
    parent = this.#retriedRun(options.retryOf),
  ): BoltRun {
    const run = new BoltRun(this, schedule, this.#newRunId(options.id), options, reason, parent);
    this.runs.set(run.id, run);
    const ofSchedule = this.#runsOfSchedules.get(schedule);
    if (ofSchedule) ofSchedule.push(run);
    else this.#runsOfSchedules.set(schedule, [run]);
    return run;
  }

  /** Returns the runs of a schedule, the oldest first. */
  runsOf(schedule: BoltSchedule): readonly BoltRun[] {
    return this.#runsOfSchedules.get(schedule) ?? [];
  }

  command(id: number): { readonly run: BoltRun; readonly command: BoltCommand } | undefined {
    for (const run of this.runs.values()) {
      const command = run.states.current.commands.find((one) => one.id === id);
      if (command) return { run, command };
    }
    return undefined;
  }

  /** Returns the content of a file, or `undefined` if there is none, it is lost, or its run has not made it available yet. */
  contentOf(id: number): string | undefined {
    const now = this.clock.now();
    for (const { states } of this.runs.values()) {
      const { commands, artifactsAt } = states.current;
      const found = commands.flatMap(({ resources }) => resources).find((one) => one.id === id);
      if (found) return artifactsAt !== null && artifactsAt <= now ? (found.content ?? undefined) : undefined;
    }
    return undefined;
  }

  subscribe(options: FakeBoltSubscriptionOptions): FakeBoltSubscription {
    const subscription = new Subscription(options);
    this.#subscriptions.push(subscription);
    return subscription;
  }

  /** Sends a webhook about a run to each subscription that wants it. */
  async announce(run: BoltRun, event: 'started' | 'succeeded' | 'failed'): Promise<void> {
    const type = event === 'started' ? 'bolt.run.started' : 'bolt.run.completed';
    const payload = payloadOf(run, this.apiUrl);
    for (const subscription of this.#subscriptions) {
      const { url, secret = TEST_SECRETS.paradime, family, types } = subscription.options;
      if (!subscription.isActive || !(types ?? [type]).includes(type)) continue;
      const id = randomKsuid('msg');
      await this.#outbox.add({
        id,
        type,
        runId: run.id,
        url,
        // The time of an attempt is part of its signature.
        sign: (now) => paradimeWebhook({ event, payload, secret, id, now, ...(family && { family }) }),
        isActive: () => subscription.isActive,
        attempted: () => undefined,
      });
    }
  }

  #retriedRun(id: string | undefined): BoltRun | undefined {
    const run = id === undefined ? undefined : this.runs.get(id);
    if (id === undefined || run) return run;
    throw new RangeError(`run({ retryOf }): expected the id of a run, got ${JSON.stringify(id)}`);
  }

  #newRunId(given: string | undefined): string {
    if (given !== undefined) {
      if (!/^[1-9]\d{0,8}$/.test(given) || this.runs.has(given)) {
        throw new RangeError(`run({ id }): expected a new id of up to 9 digits, got ${JSON.stringify(given)}`);
      }
      return given;
    }
    let id = String(this.newId('run'));
    while (this.runs.has(id)) id = String(this.newId('run'));
    return id;
  }
}

class Subscription implements FakeBoltSubscription {
  isActive = true;

  constructor(readonly options: FakeBoltSubscriptionOptions) {}

  deactivate(): void {
    this.isActive = false;
  }

  activate(): void {
    this.isActive = true;
  }
}
