import { randomUUID } from 'node:crypto';
import { dttm } from '../../webhooks/paradime-dttm.js';
import { CronSchedule } from '../cron-schedule.js';
import type { BoltRun } from './bolt-run.js';
import type { BoltWorkspace } from './bolt-workspace.js';
import type { FakeBoltRunOptions } from './fake-bolt-run.js';
import type { FakeBoltSchedule, FakeBoltScheduleOptions } from './fake-bolt-schedule.js';

/** A schedule of a workspace. */
export class BoltSchedule implements FakeBoltSchedule {
  readonly name: string;
  readonly slug: string | undefined;
  readonly commands: readonly string[];
  readonly environment: string;
  readonly uuid = randomUUID();
  readonly text: string;
  readonly #cron: CronSchedule | undefined;
  isActive = true;
  isSuspended = false;

  constructor(
    readonly workspace: BoltWorkspace,
    readonly id: number,
    { name, slug, schedule = 'OFF', commands = ['dbt run'], environment = 'production' }: FakeBoltScheduleOptions,
  ) {
    this.name = name;
    this.slug = slug;
    this.text = schedule;
    this.commands = commands;
    this.environment = environment;
    this.#cron = schedule === 'OFF' ? undefined : new CronSchedule('schedule({ schedule })', schedule);
  }

  /** Value of the argument `slug` for this schedule. */
  get key(): string {
    return this.slug ?? this.name;
  }

  async run(options: FakeBoltRunOptions = {}): Promise<BoltRun> {
    return this.queue(options).start();
  }

  queue(options: FakeBoltRunOptions = {}): BoltRun {
    return this.workspace.queue(this, options);
  }

  deactivate(): void {
    this.isActive = false;
  }

  /** Returns the schedule as `listBoltSchedules` shows it, with its runs as they were at a time. */
  toJson(seenAt: Date): Record<string, unknown> {
    const last = this.workspace.runsOf(this).findLast(({ states }) => states.at(seenAt) !== undefined);
    const state = last?.states.at(seenAt);
    const next = this.isSuspended ? undefined : this.#cron?.next(this.workspace.clock.now());
    return {
      ...this.#fields(),
      id: this.id,
      name: this.name,
      slug: this.slug ?? null,
      lastRunAt: state?.startAt ? dttm(state.startAt) : null,
      lastRunState: state?.state ?? null,
      nextRunAt: next === undefined ? null : dttm(next),
      turboCi: null,
      deferredSchedule: null,
      gitBranch: 'main',
      slackOn: [''],
      slackNotify: [''],
      emailOn: [''],
      emailNotify: [''],
      notifications: null,
    };
  }

  /** Returns the schedule as `boltScheduleName` shows it. */
  toShortJson(): Record<string, unknown> {
    const latest = this.workspace.runsOf(this).at(-1);
    return { ok: true, latestRunId: latest === undefined ? null : Number(latest.id), ...this.#fields() };
  }

  /** Returns the `schedule` of a webhook. Since there are slugs, the name is the slug, and the label another field. */
  toPayload(): Record<string, unknown> {
    const names = this.slug === undefined ? {} : { slug: this.slug, display_name: this.name };
    return { commands: this.commands, environment: this.environment, name: this.key, schedule: this.text, ...names };
  }

  #fields(): Record<string, unknown> {
    const { commands, text: schedule, uuid, isSuspended: suspended } = this;
    return { commands, owner: 'data@acme.example', schedule, uuid, source: 'ui', suspended };
  }
}
