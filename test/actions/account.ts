import { TEST_SECRETS, type Source } from 'nestjs-runhooks/core';
import { dbtCloud } from 'nestjs-runhooks/dbt-cloud';
import { paradime } from 'nestjs-runhooks/paradime';
import { fakeDbtCloud, fakeParadime, type FakeFaults, type ManualClock } from 'nestjs-runhooks/testing';
import type { ActionKind } from 'nestjs-runhooks/core';

/** A run of a fake, as a person sees it at the provider. */
export interface AccountRun {
  readonly id: string;
  readonly jobId: string;
  /** Text of the cause of the run, if it was triggered. */
  readonly cause: string;
  /** Id of the run that it retries. */
  readonly retryOf: string | undefined;
  readonly isQueued: boolean;
  readonly isOpen: boolean;
  readonly isCanceled: boolean;
  readonly hasSucceeded: boolean;
  start(): Promise<unknown>;
  succeed(): Promise<unknown>;
  /** @param hasResults whether the run got so far that it can be continued */
  fail(hasResults: boolean): Promise<unknown>;
}

/** A job of a fake. */
export interface AccountJob {
  /** What an app passes to `trigger`. */
  readonly id: string;
  queue(): AccountRun;
}

/** A request that starts or stops something. */
export interface Asked {
  readonly kind: ActionKind;
  /** Run to retry or to cancel, or job to trigger. */
  readonly target: string;
  /** Reason of the new run. */
  readonly cause?: string;
}

/** A request to an API. */
export interface ApiRequest {
  readonly method: string;
  readonly path: string;
  readonly body: string;
}

/** A fake of a provider, in the words of the simulation. */
export interface Account {
  readonly source: string;
  /** Id of the account in the inbox. */
  readonly id: string;
  readonly faults: FakeFaults;
  /** Scheme, host and port of the API. */
  readonly origin: string;
  /** All runs, the oldest first. */
  runs(): readonly AccountRun[];
  addJob(name: string): AccountJob;
  /** Returns what a request asks for, or `undefined` if it only reads. */
  askedBy(request: ApiRequest): Asked | undefined;
  /** Returns whether a request looks for runs of a job, or for retries of a run, as actions do. Sweeps of dbt Cloud do not. */
  isLook(request: ApiRequest): boolean;
  /** Returns whether a 2xx answer says that it was done. */
  isDone(body: string): boolean;
  /** Subscribes the app to the webhooks of all jobs. */
  subscribe(url: string): void;
  sendDue(): Promise<void>;
  /** Returns a source of an app that calls the API at an origin, which stands before the fake. */
  open(origin: string): Source;
  close(): Promise<void>;
}

const ACCOUNT_ID = '43786';

export async function dbtAccount(clock: ManualClock): Promise<Account> {
  const dbt = await fakeDbtCloud({ clock, accountId: ACCOUNT_ID, callsPerMinute: 1e6 });
  const { baseUrl } = dbt.options();
  return {
    source: 'dbt',
    id: ACCOUNT_ID,
    faults: dbt.faults,
    origin: baseUrl,
    runs: () => dbt.runs.map(runOf),
    addJob: (name) => {
      const job = dbt.job({ name });
      return { id: job.id, queue: () => runOf(job.queue()) };
    },
    askedBy: ({ method, path, body }) => {
      if (method !== 'POST') return undefined;
      const [, job] = /\/jobs\/(\d+)\/run\/$/.exec(path) ?? [];
      if (job !== undefined) return { kind: 'trigger', target: job, cause: String(fieldsOf(body)['cause']) };
      const [, run, verb] = /\/runs\/(\d+)\/(retry|cancel)\/$/.exec(path) ?? [];
      if (run === undefined) throw new Error(`POST ${path}: not a request of an action`);
      return { kind: verb as 'retry' | 'cancel', target: run };
    },
    isLook: ({ method, path }) => method === 'GET' && /job_definition_id=|run_retries/.test(path),
    isDone: () => true,
    subscribe: (url) => dbt.subscribe({ url: `${url}/webhooks/dbt` }),
    sendDue: () => dbt.sendDue(),
    open: (origin) =>
      dbtCloud({ name: 'dbt', secrets: [TEST_SECRETS.dbtCloud], api: { ...dbt.options(), baseUrl: origin } }),
    close: () => dbt.close(),
  };

  function runOf(run: (typeof dbt.runs)[number]): AccountRun {
    return {
      id: run.id,
      jobId: run.jobId,
      cause: run.cause,
      retryOf: run.retryOf,
      isQueued: run.status < 3,
      isOpen: run.status < 10,
      isCanceled: run.status === 30,
      hasSucceeded: run.status === 10,
      start: () => run.start(),
      succeed: () => run.succeed(),
      fail: (hasResults) => run.fail(hasResults ? { results: {} } : {}),
    };
  }
}

export async function paradimeAccount(clock: ManualClock): Promise<Account> {
  const bolt = await fakeParadime({ clock });
  const { endpoint, workspace } = bolt.options();
  const { origin, pathname } = new URL(endpoint);
  return {
    source: 'bolt',
    id: workspace,
    faults: bolt.faults,
    origin,
    runs: () => bolt.runs.map(runOf),
    addJob: (name) => {
      const id = `${name}-1a2b3c`;
      const schedule = bolt.schedule({ name, slug: id });
      return { id, queue: () => runOf(schedule.queue()) };
    },
    askedBy: ({ body }) => {
      const { query, variables } = fieldsOf(body);
      const [, kind] = /\b(retry|trigger|cancel)BoltRun\b/.exec(String(query)) ?? [];
      if (kind === undefined) return undefined;
      const { slug, reason, ...others } = variables as Record<string, unknown>;
      if (kind === 'trigger') return { kind, target: String(slug), cause: String(reason) };
      const run = Object.values(others).find((value) => typeof value === 'number');
      return { kind: kind as 'retry' | 'cancel', target: String(run) };
    },
    // Sweeps ask the same.
    isLook: () => false,
    isDone: (body) => {
      const { data, errors } = fieldsOf(body);
      const [answer] = Object.values((data ?? {}) as Record<string, { readonly ok?: boolean } | null>);
      return errors === undefined && answer !== null && answer?.ok !== false;
    },
    subscribe: (url) => bolt.subscribe({ url: `${url}/webhooks/bolt` }),
    sendDue: () => bolt.sendDue(),
    open: (before) =>
      paradime({
        name: 'bolt',
        secrets: [TEST_SECRETS.paradime],
        api: { ...bolt.options(), endpoint: before + pathname, callsPerSecond: 50 },
      }),
    close: () => bolt.close(),
  };

  function runOf(run: (typeof bolt.runs)[number]): AccountRun {
    const isOpen = run.state === 'STARTING' || run.state === 'RUNNING';
    return {
      id: run.id,
      jobId: run.schedule,
      cause: run.reason ?? '',
      retryOf: run.retryOf,
      isQueued: run.state === 'STARTING',
      isOpen,
      isCanceled: run.state === 'CANCELED',
      hasSucceeded: run.state === 'SUCCESS',
      start: () => run.start(),
      succeed: () => run.succeed(),
      fail: () => run.fail(),
    };
  }
}

function fieldsOf(body: string): Readonly<Record<string, unknown>> {
  return { ...(JSON.parse(body) as object) };
}
