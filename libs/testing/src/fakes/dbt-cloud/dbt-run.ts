import type { Clock } from 'nestjs-runhooks';
import type { DbtCloudTestEvent } from '../../webhooks/dbt-cloud-webhook.js';
import type { Faults } from '../faults.js';
import { StateHistory } from '../state-history.js';
import type { DbtJob } from './dbt-job.js';
import type {
  FakeDbtCancelOptions,
  FakeDbtEndOptions,
  FakeDbtFiles,
  FakeDbtRun,
  FakeDbtRunOptions,
  FakeDbtStatus,
} from './fake-dbt-run.js';
import { endedSteps, stepIndexOf, stepNames, type RunState } from './run-state.js';

/** A run as it is asked for. */
export interface DbtRunRequest extends FakeDbtRunOptions {
  /** Fields of a call that triggered it, which `trigger` shows. */
  readonly overrides?: Readonly<Record<string, unknown>>;
}

const UNSUPPORTED = { command: 'RETRY_UNSUPPORTED_CMD', version: 'RETRY_UNSUPPORTED_VERSION' } as const;

/** Account of runs, as they see it. */
export interface RunAccount {
  readonly id: string;
  /** Host in the `href` of runs. */
  readonly host: string;
  readonly clock: Clock;
  readonly faults: Faults;
  runsOf(job: DbtJob): readonly DbtRun[];
  /** Sends a webhook about a run, not before `dueAt`. */
  announce(run: DbtRun, event: DbtCloudTestEvent, dueAt?: Date): Promise<void>;
}

/** A run, its states and its files. */
export class DbtRun implements FakeDbtRun {
  readonly createdAt: Date;
  readonly states: StateHistory<RunState>;
  /** Files by the index of their step, and by their path. */
  readonly artifacts = new Map<number, Map<string, string>>();
  /** Runs that retry this one. */
  readonly retries: DbtRun[] = [];

  constructor(
    readonly account: RunAccount,
    readonly job: DbtJob,
    readonly id: string,
    readonly options: DbtRunRequest,
  ) {
    this.createdAt = account.clock.now();
    this.states = new StateHistory<RunState>(this.createdAt, {
      status: 1,
      message: null,
      updatedAt: this.createdAt,
      startedAt: null,
      finishedAt: null,
      artifactsAt: null,
      steps: [],
    });
  }

  get jobId(): string {
    return this.job.id;
  }

  get status(): FakeDbtStatus {
    return this.states.current.status;
  }

  get cause(): string {
    return this.options.cause ?? 'Kicked off by the scheduler';
  }

  get retryOf(): string | undefined {
    return this.options.retryOf;
  }

  get commands(): readonly string[] {
    return this.options.steps ?? this.job.steps;
  }

  /** Reason for which the run cannot be retried, in the words of dbt's specification. */
  get refusalOfRetry(): string | undefined {
    if (this.account.runsOf(this.job).at(-1) !== this) return 'RETRY_NOT_LATEST_RUN';
    if (this.status !== 20) return 'RETRY_NOT_FAILED_RUN';
    const { retryUnsupported = this.job.retryUnsupported } = this.options;
    if (retryUnsupported !== undefined) return UNSUPPORTED[retryUnsupported];
    const hasResults = [...this.artifacts.values()].some((files) => files.has('run_results.json'));
    return hasResults && this.hasArtifactsAt(this.account.clock.now()) ? undefined : 'RETRY_NO_RUN_RESULTS';
  }

  async start(): Promise<this> {
    this.#requireStatus('start', 1, 2);
    this.#change({ status: 3, startedAt: this.account.clock.now() });
    await this.account.announce(this, 'started');
    return this;
  }

  async succeed(options: Omit<FakeDbtEndOptions, 'step' | 'message' | 'logs'> = {}): Promise<this> {
    return this.#end(10, undefined, options);
  }

  async fail(options: FakeDbtEndOptions = {}): Promise<this> {
    const { step } = options;
    const failed =
      step === undefined ? stepNames(this.commands).length : stepIndexOf(this.commands, 'fail({ step })', step);
    return this.#end(20, failed, options);
  }

  async cancel({ withoutEnd = this.status < 3 }: FakeDbtCancelOptions = {}): Promise<this> {
    this.#requireStatus('cancel', 1, 2, 3);
    this.#change({ status: 30, finishedAt: withoutEnd ? null : this.account.clock.now() });
    return this;
  }

  /** Returns whether the files of the run can be read. */
  hasArtifactsAt(now: Date): boolean {
    const { artifactsAt } = this.states.current;
    return artifactsAt !== null && artifactsAt <= now;
  }

  async #end(status: 10 | 20, failed: number | undefined, options: FakeDbtEndOptions): Promise<this> {
    this.#requireStatus('end', 3);
    const { message = null, logs, artifactsSaved = true } = options;
    const finishedAt = this.account.clock.now();
    const completeAt = new Date(finishedAt.getTime() + this.account.faults.artifactsMs);
    const steps = endedSteps(this.commands, failed, logs);
    this.#saveFiles(steps.length, options);
    this.#change({ status, finishedAt, artifactsAt: artifactsSaved ? completeAt : null, steps, message });
    if (status === 20) await this.account.announce(this, 'failed');
    await this.account.announce(this, status === 20 ? 'completed-failed' : 'succeeded', completeAt);
    return this;
  }

  #saveFiles(last: number, { results, artifacts = {}, files = {} }: FakeDbtEndOptions): void {
    for (const [step, ofStep] of Object.entries(files)) {
      this.#save(stepIndexOf(this.commands, 'files', step), ofStep);
    }
    this.#save(last, { ...artifacts, ...(results !== undefined && { 'run_results.json': results }) });
  }

  #save(step: number, files: FakeDbtFiles): void {
    const texts = Object.entries(files).map(
      ([path, file]) => [path, typeof file === 'string' ? file : JSON.stringify(file)] as const,
    );
    if (texts.length === 0) return;
    this.artifacts.set(step, new Map([...(this.artifacts.get(step) ?? []), ...texts]));
  }

  #change(changes: Partial<RunState>): void {
    const now = this.account.clock.now();
    this.states.change(now, { ...changes, updatedAt: now });
  }

  #requireStatus(action: string, ...statuses: readonly FakeDbtStatus[]): void {
    if (statuses.includes(this.status)) return;
    throw new RangeError(
      `Run ${this.id} cannot ${action}: expected the status ${statuses.join(' or ')}, got ${this.status}`,
    );
  }
}
