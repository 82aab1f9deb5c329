import { defined } from 'nestjs-runhooks/core';
import type { ParadimeApiSchedule } from '../api/api-objects.js';
import { fieldsOf } from '../api/api-readers.js';

/** Knowledge of the round of the schedules about one of them. */
export interface ScheduleRecord {
  /** Last run and its state when the runs were last listed; empty before. */
  readonly seen: string;
  /** Runs that started before were reported with their end, in milliseconds since 1970; absent before the first listing. */
  readonly fromMs?: number;
  /** When the runs must be listed, in milliseconds since 1970; absent if there is no news. */
  readonly dueMs?: number;
}

/** Result of a listing. */
export interface Listing {
  readonly fromMs: number | undefined;
  /** Whether the runs must be listed again although the schedule reports no news. */
  readonly again: boolean;
}

/** Schedules with news. It is the cursor of a round, so that another process continues where one stopped. */
export class ScheduleBook {
  readonly #records: Map<string, ScheduleRecord>;
  readonly #isFirst: boolean;
  readonly #graceMs: number;

  /** A cursor that cannot be read starts anew: the inbox knows which runs were reported. */
  constructor(cursor: string | undefined, graceMs: number) {
    const records = recordsOf(cursor);
    this.#records = records ?? new Map();
    this.#isFirst = records === undefined;
    this.#graceMs = graceMs;
  }

  /** Returns the cursor. */
  get text(): string {
    return JSON.stringify({ v: 1, schedules: Object.fromEntries(this.#records) });
  }

  /**
   * Returns whether the runs of a schedule must be listed now. After news, the webhook has some time to arrive, and lists can
   * lag: so they are listed later, and once for a start and an end shortly after it.
   */
  isDue(schedule: ParadimeApiSchedule, nowMs: number): boolean {
    const news = newsOf(schedule);
    if (news === '') return false;
    const slug = askedBy(schedule);
    let record = this.#records.get(slug) ?? { seen: '' };
    if (record.dueMs === undefined && record.seen !== news) {
      record = { ...record, dueMs: this.#isFirst ? nowMs : nowMs + this.#graceMs };
      this.#records.set(slug, record);
    }
    if (record.dueMs === undefined) return false;
    // No later time is ever written, except by a clock that was ahead.
    return record.dueMs <= nowMs || record.dueMs > nowMs + this.#graceMs;
  }

  /** Returns from which start the runs of a schedule must be listed; `undefined` if they were never listed. */
  fromMs(schedule: ParadimeApiSchedule): number | undefined {
    return this.#records.get(askedBy(schedule))?.fromMs;
  }

  /** Records that all runs of a listing were reported. */
  listed(schedule: ParadimeApiSchedule, { fromMs, again }: Listing, nowMs: number): void {
    const dueMs = again ? nowMs + this.#graceMs : undefined;
    this.#records.set(askedBy(schedule), { seen: newsOf(schedule), ...defined({ fromMs, dueMs }) });
  }

  /** Forgets the schedules that no longer exist. */
  keep(schedules: ReadonlySet<string>): void {
    for (const slug of this.#records.keys()) if (!schedules.has(slug)) this.#records.delete(slug);
  }
}

/** Returns by what the runs of a schedule are listed. */
export function askedBy({ slug, name }: ParadimeApiSchedule): string {
  return slug ?? name ?? '';
}

/** Returns a string that changes with the last run of a schedule and its state, or `''` without a run. */
function newsOf({ lastRunText, lastRunState }: ParadimeApiSchedule): string {
  return [lastRunText, lastRunState].filter((text) => text !== undefined).join(' ');
}

function recordsOf(cursor: string | undefined): Map<string, ScheduleRecord> | undefined {
  if (cursor === undefined) return undefined;
  let sent: unknown;
  try {
    sent = JSON.parse(cursor);
  } catch {
    return undefined;
  }
  const { v, schedules } = fieldsOf(sent) ?? {};
  const records = fieldsOf(schedules);
  return v === 1 && records ? new Map(Object.entries(records) as [string, ScheduleRecord][]) : undefined;
}
