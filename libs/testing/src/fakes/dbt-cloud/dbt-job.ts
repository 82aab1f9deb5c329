import type { Clock } from 'nestjs-runhooks';
import { CronSchedule } from '../cron-schedule.js';
import type { FakeDbtJob, FakeDbtJobOptions } from './fake-dbt-job.js';
import type { FakeDbtRetryUnsupported, FakeDbtRun, FakeDbtRunOptions } from './fake-dbt-run.js';
import { apiTime } from './json-times.js';

const ACTIVE = 1;
const DELETED = 2;

/** Account of jobs, as they see it. */
export interface JobAccount {
  readonly id: string;
  readonly clock: Clock;
  readonly createdAt: Date;
  queue(job: DbtJob, options: FakeDbtRunOptions): FakeDbtRun;
}

/** A project of an account. */
export class DbtProject {
  constructor(
    readonly account: JobAccount,
    readonly id: string,
    readonly name: string,
  ) {}

  toJson(): Record<string, unknown> {
    const at = apiTime(this.account.createdAt);
    return {
      id: Number(this.id),
      name: this.name,
      account_id: Number(this.account.id),
      description: null,
      connection_id: null,
      repository_id: null,
      semantic_layer_config_id: null,
      state: ACTIVE,
      dbt_project_subdirectory: null,
      docs_job_id: null,
      freshness_job_id: null,
      type: 0,
      created_at: at,
      updated_at: at,
    };
  }
}

/** An environment of a project. */
export class DbtEnvironment {
  constructor(
    readonly project: DbtProject,
    readonly id: string,
    readonly name: string,
  ) {}

  toJson(): Record<string, unknown> {
    const at = apiTime(this.project.account.createdAt);
    return {
      id: Number(this.id),
      account_id: Number(this.project.account.id),
      project_id: Number(this.project.id),
      name: this.name,
      dbt_version: 'latest',
      type: 'deployment',
      deployment_type: 'production',
      use_custom_branch: false,
      custom_branch: null,
      state: ACTIVE,
      created_at: at,
      updated_at: at,
    };
  }
}

/** A job of an account. */
export class DbtJob implements FakeDbtJob {
  readonly name: string;
  readonly steps: readonly string[];
  readonly createdAt: Date;
  readonly #options: FakeDbtJobOptions;
  readonly #schedule: CronSchedule | undefined;
  isDeleted = false;

  constructor(
    readonly account: JobAccount,
    readonly environment: DbtEnvironment,
    readonly id: string,
    options: FakeDbtJobOptions,
  ) {
    this.name = options.name;
    this.steps = options.steps ?? ['dbt build'];
    this.createdAt = account.clock.now();
    this.#options = options;
    const { schedule } = options;
    this.#schedule = schedule === undefined ? undefined : new CronSchedule('job({ schedule })', schedule);
  }

  get project(): DbtProject {
    return this.environment.project;
  }

  get retryUnsupported(): FakeDbtRetryUnsupported | undefined {
    return this.#options.retryUnsupported;
  }

  get isScheduled(): boolean {
    return this.#schedule !== undefined;
  }

  async run(options: FakeDbtRunOptions = {}): Promise<FakeDbtRun> {
    return this.queue(options).start();
  }

  queue(options: FakeDbtRunOptions = {}): FakeDbtRun {
    return this.account.queue(this, options);
  }

  delete(): void {
    this.isDeleted = true;
  }

  /** Returns the job as the Admin API v2 shows it (`HumanReadableJobDefinitionResponse`). */
  toJson(now: Date): Record<string, unknown> {
    const { type = 'scheduled', timeoutSeconds = 0, schedule = '0 * * * *' } = this.#options;
    const next = this.isDeleted ? undefined : this.#schedule?.next(now);
    return {
      id: Number(this.id),
      account_id: Number(this.account.id),
      project_id: Number(this.project.id),
      environment_id: Number(this.environment.id),
      name: this.name,
      description: '',
      dbt_version: null,
      deferring_environment_id: null,
      deferring_job_definition_id: null,
      execute_steps: this.steps,
      execution: { timeout_seconds: timeoutSeconds },
      generate_docs: false,
      run_generate_sources: false,
      is_deferrable: false,
      job_type: type,
      lifecycle_webhooks: false,
      lifecycle_webhooks_url: null,
      settings: { threads: 4, target_name: 'default' },
      state: this.isDeleted ? DELETED : ACTIVE,
      triggers: {
        github_webhook: type === 'ci',
        schedule: this.isScheduled,
        git_provider_webhook: type === 'ci',
        on_merge: type === 'merge',
      },
      // A job without a schedule has one, too, which its trigger switches off.
      schedule: {
        cron: schedule,
        date: { type: 'custom_cron', cron: schedule },
        time: { type: 'every_hour', interval: 1 },
      },
      job_completion_trigger_condition: null,
      next_run: next === undefined ? null : apiTime(next),
      created_at: apiTime(this.createdAt),
      updated_at: apiTime(this.createdAt),
      most_recent_run: null,
      most_recent_completed_run: null,
    };
  }
}
