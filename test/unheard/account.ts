import { TEST_SECRETS, type Source } from 'nestjs-runhooks/core';
import { dbtCloud } from 'nestjs-runhooks/dbt-cloud';
import { paradime } from 'nestjs-runhooks/paradime';
import {
  fakeDbtCloud,
  fakeParadime,
  type FakeBoltSchedule,
  type FakeDbtJob,
  type FakeFaults,
  type FakeWebhook,
  type ManualClock,
} from 'nestjs-runhooks/testing';
import type { Outcome, WorldJob, WorldRun } from './world-run.js';

/** A run of a fake. */
export interface AccountRun {
  readonly id: string;
  start(): Promise<unknown>;
  succeed(): Promise<unknown>;
  fail(): Promise<unknown>;
  cancel(options?: { readonly withoutEnd?: boolean }): Promise<unknown>;
}

/** What started a run, and the trigger that filters must see. */
export interface Cause {
  readonly trigger: string;
  /** Texts of the provider: the cause of a run, and its category. */
  readonly texts: readonly [cause: string, category: string];
}

/** A fake of a provider, in the words of the simulation. */
export interface Account {
  readonly source: string;
  readonly faults: FakeFaults;
  readonly causes: readonly Cause[];
  /** Share of the jobs of the simulation that the account has. */
  readonly share: number;
  /** Webhooks that a failure sends. */
  readonly webhooksOfFailure: number;
  /** Runs that each handler must receive, independently of the filters in the app. */
  readonly wanted: Readonly<Record<string, (run: WorldRun) => boolean>>;
  readonly webhooks: readonly FakeWebhook[];
  /** Number of calls until now. */
  readonly calls: number;
  /** Returns whether a subscription can be without the job. */
  readonly hasStrangers: boolean;
  addJob(job: WorldJob): (cause: Cause) => AccountRun;
  /** Subscribes a URL to the webhooks of the jobs that are subscribed. */
  subscribe(url: string, jobs: readonly WorldJob[]): { activate(): void; deactivate(): void };
  /** Returns the runs and their outcomes as the provider shows them. */
  outcomes(): ReadonlyMap<string, Outcome | undefined>;
  sendDue(): Promise<void>;
  /** Returns a source of an app. */
  open(): Source;
  close(): Promise<void>;
}

export async function dbtAccount(clock: ManualClock): Promise<Account> {
  const dbt = await fakeDbtCloud({ clock });
  const jobs = new Map<string, FakeDbtJob>();
  const outcomes: Readonly<Record<number, Outcome>> = { 10: 'succeeded', 20: 'failed', 30: 'canceled' };
  return {
    source: 'dbt',
    faults: dbt.faults,
    causes: [
      { texts: ['Kicked off by the scheduler', 'scheduled'], trigger: 'schedule' },
      { texts: ['Kicked off from the UI by kim@example.com', 'ui'], trigger: 'manual' },
      { texts: ['Triggered via API', 'api'], trigger: 'api' },
      { texts: ['Triggered by a GitHub pull request', 'ci'], trigger: 'ci' },
      { texts: ['Backfill of orders', 'api'], trigger: 'unknown' },
    ],
    share: 1,
    webhooksOfFailure: 2,
    wanted: {
      outcome: () => true,
      completed: () => true,
      project: ({ job }) => job.project === 'sales',
      environment: ({ job }) => job.environment === 'Production',
      'job-name': ({ job }) => job.name.startsWith('nightly-'),
      'job-id': ({ job }) => job.id === '700003' || job.id === '700011',
      trigger: ({ trigger }) => trigger === 'schedule' || trigger === 'ci',
      several: ({ job }) => job.environment === 'Staging' && job.project !== 'finance',
    },
    get webhooks() {
      return dbt.webhooks;
    },
    get calls() {
      return dbt.calls.length;
    },
    hasStrangers: true,
    addJob: ({ id, name, project, environment }) => {
      const job = dbt.job({ id, name, project, environment });
      jobs.set(id, job);
      return ({ texts: [cause, causeCategory] }) => job.queue({ cause, causeCategory });
    },
    subscribe: (url, subscribed) =>
      dbt.subscribe({ url: `${url}/webhooks/dbt`, jobs: subscribed.flatMap(({ id }) => jobs.get(id) ?? []) }),
    outcomes: () => new Map(dbt.runs.map(({ id, status }) => [id, outcomes[status]])),
    sendDue: () => dbt.sendDue(),
    open: () => dbtCloud({ name: 'dbt', secrets: [TEST_SECRETS.dbtCloud], api: dbt.options() }),
    close: () => dbt.close(),
  };
}

/** Its API reports no environment of a schedule, so no handler of the app may depend on it. */
export async function paradimeAccount(clock: ManualClock): Promise<Account> {
  const bolt = await fakeParadime({ clock });
  const outcomes: Readonly<Record<string, Outcome>> = { SUCCESS: 'succeeded', FAILED: 'failed', CANCELED: 'canceled' };
  return {
    source: 'bolt',
    faults: bolt.faults,
    causes: [
      { texts: ['Scheduler', ''], trigger: 'schedule' },
      { texts: ['Manual', ''], trigger: 'manual' },
    ],
    share: 0.1,
    webhooksOfFailure: 1,
    wanted: {
      outcome: () => true,
      completed: () => true,
      project: () => false,
      environment: () => false,
      'job-name': ({ job }) => job.name.startsWith('nightly-'),
      'job-id': () => false,
      trigger: ({ trigger }) => trigger === 'schedule',
      several: () => false,
    },
    get webhooks() {
      return bolt.webhooks;
    },
    get calls() {
      return bolt.calls.length;
    },
    hasStrangers: false,
    addJob: ({ name }) => {
      const schedule: FakeBoltSchedule = bolt.schedule({ name, slug: `${name}-1a2b3c` });
      return ({ texts: [actor] }) => schedule.queue({ actor });
    },
    subscribe: (url) => bolt.subscribe({ url: `${url}/webhooks/bolt` }),
    outcomes: () => new Map(bolt.runs.map(({ id, state }) => [id, outcomes[state]])),
    sendDue: () => bolt.sendDue(),
    open: () => paradime({ name: 'bolt', secrets: [TEST_SECRETS.paradime], api: bolt.options() }),
    close: () => bolt.close(),
  };
}
