import { randomUUID } from 'node:crypto';
import type { Clock } from 'nestjs-runhooks';
import { dttm } from '../../webhooks/paradime-dttm.js';
import { CronSchedule } from '../cron-schedule.js';
import type { FakeBoltRun, FakeBoltRunOptions, FakeBoltState } from './fake-bolt-run.js';
import type { FakeBoltSchedule, FakeBoltScheduleOptions } from './fake-bolt-schedule.js';

/** Workspace of schedules, as they see it. */
export interface ScheduleWorkspace {
  readonly clock: Clock;
  queue(schedule: BoltSchedule, options: FakeBoltRunOptions): FakeBoltRun;
}

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
    readonly workspace: ScheduleWorkspace,
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

  async run(options: FakeBoltRunOptions = {}): Promise<FakeBoltRun> {
    return this.queue(options).start();
  }

  queue(options: FakeBoltRunOptions = {}): FakeBoltRun {
    return this.workspace.queue(this, options);
  }

  deactivate(): void {
    this.isActive = false;
  }

  /** Returns the schedule as `listBoltSchedules` shows it. @param last state of its latest run */
  toJson(last?: { readonly state: FakeBoltState; readonly startAt: Date | null }): Record<string, unknown> {
    const next = this.isSuspended ? undefined : this.#cron?.next(this.workspace.clock.now());
    return {
      ...this.#fields(),
      id: this.id,
      name: this.name,
      slug: this.slug ?? null,
      lastRunAt: last?.startAt ? dttm(last.startAt) : null,
      lastRunState: last?.state ?? null,
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
  toShortJson(latest?: FakeBoltRun): Record<string, unknown> {
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
