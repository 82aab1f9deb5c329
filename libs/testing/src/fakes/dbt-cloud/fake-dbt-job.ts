import type { FakeDbtRetryUnsupported, FakeDbtRun, FakeDbtRunOptions } from './fake-dbt-run.js';

/** Options for a job. */
export interface FakeDbtJobOptions {
  readonly name: string;
  /** @default a new id */
  readonly id?: string;
  /** Cron expression in UTC. It gives `next_run`; it starts no runs. @default none */
  readonly schedule?: string;
  /** Name of the project. Jobs with the same name share it. @default 'analytics' */
  readonly project?: string;
  /** Name of the environment. Jobs of a project with the same name share it. @default 'Production' */
  readonly environment?: string;
  /** Commands of the job. @default ['dbt build'] */
  readonly steps?: readonly string[];
  /** `job_type`: `ci`, `scheduled`, `other`, `merge` and others. @default 'scheduled' */
  readonly type?: string;
  /** Timeout of runs in seconds; 0 for none. @default 0 */
  readonly timeoutSeconds?: number;
  /** Why dbt Cloud cannot retry runs of the job. @default it can */
  readonly retryUnsupported?: FakeDbtRetryUnsupported;
}

/** Job of a fake account. */
export interface FakeDbtJob {
  readonly id: string;
  readonly name: string;
  /** Queues a run and starts it: `job.run.started`. */
  run(options?: FakeDbtRunOptions): Promise<FakeDbtRun>;
  /** Queues a run. dbt Cloud sends no webhook about it. */
  queue(options?: FakeDbtRunOptions): FakeDbtRun;
  /** Deletes the job. Its runs stay. */
  delete(): void;
}
