import type { Clock } from 'nestjs-runhooks';
import { dbtCloudWebhook, type DbtCloudTestEvent } from '../../webhooks/dbt-cloud-webhook.js';
import { randomKsuid } from '../../webhooks/random-ids.js';
import type { Faults } from '../faults.js';
import type { WebhookOutbox } from '../webhook-outbox.js';
import { DbtEnvironment, DbtJob, DbtProject } from './dbt-job.js';
import { DbtRun, type DbtRunRequest } from './dbt-run.js';
import { DbtSubscription, type SubscriptionFields } from './dbt-subscription.js';
import type { FakeDbtJobOptions } from './fake-dbt-job.js';
import type { FakeDbtMessageType } from './fake-dbt-subscription.js';

/** Options for {@link DbtAccount}. */
export interface DbtAccountOptions {
  readonly id: string;
  readonly clock: Clock;
  readonly faults: Faults;
  readonly outbox: WebhookOutbox;
}

/** First ids of an account. */
const FIRST_IDS = { project: 301_284, environment: 218_762, job: 512_049, run: 318_274_655 };

const TYPES: Readonly<Record<DbtCloudTestEvent, FakeDbtMessageType>> = {
  started: 'job.run.started',
  failed: 'job.run.errored',
  succeeded: 'job.run.completed',
  'completed-failed': 'job.run.completed',
  canceled: 'job.run.completed',
};

/** An account, with all that it contains. */
export class DbtAccount {
  readonly id: string;
  readonly clock: Clock;
  readonly faults: Faults;
  readonly createdAt: Date;
  /** Host in the `href` of runs. Nothing is sent to it. */
  readonly host = 'cloud.getdbt.com';
  readonly projects = new Map<string, DbtProject>();
  readonly environments = new Map<string, DbtEnvironment>();
  readonly jobs = new Map<string, DbtJob>();
  /** Runs by id, in the order of their creation. */
  readonly runs = new Map<string, DbtRun>();
  readonly subscriptions = new Map<string, DbtSubscription>();
  readonly #outbox: WebhookOutbox;
  readonly #runsOfJobs = new Map<DbtJob, DbtRun[]>();
  readonly #nextIds = { ...FIRST_IDS };

  constructor({ id, clock, faults, outbox }: DbtAccountOptions) {
    this.id = id;
    this.clock = clock;
    this.faults = faults;
    this.#outbox = outbox;
    this.createdAt = clock.now();
  }

  addJob(options: FakeDbtJobOptions): DbtJob {
    const project = this.#projectOf(options.project ?? 'analytics');
    const environment = this.#environmentOf(project, options.environment ?? 'Production');
    const job = new DbtJob(this, environment, this.#newId('job', options.id, this.jobs), options);
    this.jobs.set(job.id, job);
    return job;
  }

  /** Adds a run to a job, in the state queued. */
  queue(job: DbtJob, options: DbtRunRequest): DbtRun {
    const { retryOf } = options;
    const retried = this.runsOf(job).find(({ id }) => id === retryOf);
    if (retryOf !== undefined && !retried) {
      throw new RangeError(`run({ retryOf }): expected the id of a run of the job, got ${JSON.stringify(retryOf)}`);
    }
    const run = new DbtRun(this, job, this.#newId('run', options.id, this.runs), options);
    this.runs.set(run.id, run);
    const ofJob = this.#runsOfJobs.get(job);
    if (ofJob) ofJob.push(run);
    else this.#runsOfJobs.set(job, [run]);
    retried?.retries.push(run);
    return run;
  }

  /** Returns the runs of a job, the oldest first. */
  runsOf(job: DbtJob): readonly DbtRun[] {
    return this.#runsOfJobs.get(job) ?? [];
  }

  addSubscription(fields: SubscriptionFields, secret: string): DbtSubscription {
    const subscription = new DbtSubscription(this, fields, secret);
    this.subscriptions.set(subscription.id, subscription);
    return subscription;
  }

  /** Sends a webhook about a run to each subscription that wants it. */
  async announce(run: DbtRun, event: DbtCloudTestEvent, dueAt: Date = this.clock.now()): Promise<void> {
    for (const subscription of this.subscriptions.values()) {
      if (subscription.wants(TYPES[event], run.job.id))
        await this.#send(subscription, event, dueAt, dataOf(run, event), run.id);
    }
  }

  /** Sends a test webhook in the background, and returns its id. The ids in it belong to no run. */
  test(subscription: DbtSubscription): string {
    const data = { jobId: '123', jobName: 'Daily Job (dbt build)', runId: '12345' };
    const eventId = randomKsuid('wev');
    this.#outbox.track(this.#send(subscription, 'succeeded', this.clock.now(), data, '12345', eventId));
    return eventId;
  }

  async #send(
    subscription: DbtSubscription,
    event: DbtCloudTestEvent,
    dueAt: Date,
    data: Readonly<Record<string, unknown>>,
    runId: string,
    eventId = randomKsuid('wev'),
  ): Promise<void> {
    const { id: webhookId, secret, fields } = subscription;
    const envelope = { accountId: Number(this.id), eventId, webhookId, webhookName: fields.name };
    const signed = dbtCloudWebhook({ event, secret, now: dueAt, payload: { ...envelope, data } });
    const logged = {
      id: eventId,
      type: TYPES[event],
      jobId: String(data['jobId']),
      payload: signed.text,
      receipts: [],
    };
    subscription.events.push(logged);
    await this.#outbox.add({
      id: eventId,
      type: TYPES[event],
      runId,
      url: fields.url,
      dueAt,
      sign: () => signed,
      isActive: () => subscription.isActive,
      attempted: (attempt, response) => subscription.record(logged, attempt, response),
    });
  }

  #projectOf(name: string): DbtProject {
    const known = [...this.projects.values()].find((project) => project.name === name);
    if (known) return known;
    const project = new DbtProject(this, this.#newId('project', undefined, this.projects), name);
    this.projects.set(project.id, project);
    return project;
  }

  #environmentOf(project: DbtProject, name: string): DbtEnvironment {
    const known = [...this.environments.values()].find((one) => one.project === project && one.name === name);
    if (known) return known;
    const environment = new DbtEnvironment(project, this.#newId('environment', undefined, this.environments), name);
    this.environments.set(environment.id, environment);
    return environment;
  }

  #newId(kind: keyof typeof FIRST_IDS, given: string | undefined, taken: ReadonlyMap<string, unknown>): string {
    if (given !== undefined) {
      if (!/^[1-9]\d{0,14}$/.test(given) || taken.has(given)) {
        throw new RangeError(`${kind}({ id }): expected a new id in digits, got ${JSON.stringify(given)}`);
      }
      return given;
    }
    while (taken.has(String(this.#nextIds[kind]))) this.#nextIds[kind] += 1;
    const id = this.#nextIds[kind];
    this.#nextIds[kind] += 1;
    return String(id);
  }
}

/** Returns the `data` of a webhook. Ids are strings there, although the Admin API has numbers. */
function dataOf(run: DbtRun, event: DbtCloudTestEvent): Readonly<Record<string, unknown>> {
  const { job, cause, states } = run;
  const { startedAt, finishedAt, message } = states.current;
  const endedAt = finishedAt === null ? undefined : seconds(finishedAt);
  return {
    jobId: job.id,
    jobName: job.name,
    runId: run.id,
    environmentId: job.environment.id,
    environmentName: job.environment.name,
    projectId: job.project.id,
    projectName: job.project.name,
    dbtVersion: 'latest',
    runReason: cause,
    runStatusMessage: message ?? 'None',
    ...(startedAt !== null && { runStartedAt: seconds(startedAt) }),
    ...(event === 'failed' && { runErroredAt: endedAt }),
    ...((event === 'succeeded' || event === 'completed-failed') && { runFinishedAt: endedAt }),
  };
}

/** Formats a time of a webhook, without fractions of a second. */
function seconds(date: Date): string {
  return date.toISOString().replace(/\.\d+Z$/, 'Z');
}
