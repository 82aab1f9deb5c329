import type { FakeBoltRun, FakeBoltRunOptions } from './fake-bolt-run.js';

/** Options for a schedule. */
export interface FakeBoltScheduleOptions {
  readonly name: string;
  /** Identifier, as newer schedules have one. @default none; the API then finds the schedule by its name */
  readonly slug?: string;
  /** Cron expression in UTC, `@daily` and the like, or `OFF`. It gives `nextRunAt`; it starts no runs. @default 'OFF' */
  readonly schedule?: string;
  /** @default ['dbt run'] */
  readonly commands?: readonly string[];
  /** @default 'production' */
  readonly environment?: string;
}

/** Schedule of a fake workspace. */
export interface FakeBoltSchedule {
  readonly name: string;
  /** Creates a run and starts it: `bolt.run.started`. */
  run(options?: FakeBoltRunOptions): Promise<FakeBoltRun>;
  /** Creates a run in the state `STARTING`. */
  queue(options?: FakeBoltRunOptions): FakeBoltRun;
  /** Makes the schedule inactive: it is only listed with `showInactive`. */
  deactivate(): void;
}
