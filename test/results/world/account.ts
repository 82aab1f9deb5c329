import { TEST_SECRETS, type Source } from 'nestjs-runhooks/core';
import { dbtCloud } from 'nestjs-runhooks/dbt-cloud';
import { paradime } from 'nestjs-runhooks/paradime';
import { fakeDbtCloud, fakeParadime, type FakeFaults, type ManualClock } from 'nestjs-runhooks/testing';
import { fileNameOf, fileOf } from './dbt-file.js';
import type { PlannedStep, WorldJob } from './world-run.js';

/** How a run starts. */
export interface Start {
  readonly commands: readonly string[];
  /** Id of the run that it retries. */
  readonly retryOf?: string;
  /** Why it must open no incidents. @default it may */
  readonly isolation?: Isolation;
}

/** Reason why a run is isolated. Accounts have different ones. */
export type Isolation = 'pull request' | 'schema' | 'target';

/** How a run ends. */
export interface End {
  readonly outcome: 'succeeded' | 'failed';
  /** Commands that it began. Empty if it failed before dbt began. */
  readonly steps: readonly PlannedStep[];
}

/** A run of a fake. */
export interface AccountRun {
  readonly id: string;
  start(): Promise<unknown>;
  end(end: End): Promise<unknown>;
  cancel(): Promise<unknown>;
}

/** A fake of a provider, in the words of the simulation. */
export interface Account {
  readonly source: string;
  /** Id of the account in the inbox. */
  readonly id: string;
  readonly faults: FakeFaults;
  readonly isolations: readonly Isolation[];
  addJob(job: WorldJob): (start: Start) => AccountRun;
  /** Subscribes the app to the webhooks of all jobs. */
  subscribe(url: string): void;
  sendDue(): Promise<void>;
  /** Returns a source of an app. */
  open(): Source;
  close(): Promise<void>;
}

const ACCOUNT_ID = '43786';
const WORKSPACE = { name: 'analytics', uid: 'n0sg8br1m44k0ryj' };

export async function dbtAccount(clock: ManualClock): Promise<Account> {
  const dbt = await fakeDbtCloud({ clock, accountId: ACCOUNT_ID });
  return {
    source: 'dbt',
    id: ACCOUNT_ID,
    faults: dbt.faults,
    isolations: ['pull request', 'schema', 'target'],
    addJob: ({ name, project, environment, kind, target }) => {
      const job = dbt.job({ name, project, environment, type: kind === 'ci' ? 'ci' : 'scheduled' });
      return ({ commands, retryOf, isolation }) => {
        const run = job.queue({
          steps: commands,
          ...(retryOf !== undefined && { retryOf, causeCategory: 'rerun' }),
          ...(isolation === 'pull request' && { pullRequestId: 12, causeCategory: 'ci' }),
          ...(isolation === 'schema' && { schemaOverride: 'dbt_kim' }),
          ...(isolation === 'target' && { targetOverride: 'dev' }),
        });
        let startedAt = clock.now();
        return {
          id: run.id,
          start: () => {
            startedAt = clock.now();
            return run.start();
          },
          end: ({ outcome, steps }) => {
            const facts = { startedAt, now: clock.now(), target };
            const files = Object.fromEntries(
              steps.map((step) => {
                const file = fileOf(step, facts);
                return [step.command, file === undefined ? {} : { [fileNameOf(step)]: file }];
              }),
            );
            const step = steps.at(-1)?.command ?? 'Clone git repository';
            return outcome === 'failed' ? run.fail({ step, files }) : run.succeed({ files });
          },
          cancel: () => run.cancel(),
        };
      };
    },
    subscribe: (url) => dbt.subscribe({ url: `${url}/webhooks/dbt` }),
    sendDue: () => dbt.sendDue(),
    open: () => dbtCloud({ name: 'dbt', secrets: [TEST_SECRETS.dbtCloud], api: dbt.options() }),
    close: () => dbt.close(),
  };
}

export async function paradimeAccount(clock: ManualClock): Promise<Account> {
  const bolt = await fakeParadime({ clock, workspace: WORKSPACE });
  return {
    source: 'bolt',
    id: WORKSPACE.uid,
    faults: bolt.faults,
    isolations: ['pull request'],
    addJob: ({ name, environment, target }) => {
      const schedule = bolt.schedule({ name, slug: `${name}-1a2b3c`, environment });
      return ({ commands, retryOf, isolation }) => {
        const run = schedule.queue({
          commands,
          ...(retryOf !== undefined && { retryOf }),
          ...(isolation !== undefined && { pullRequestId: 12 }),
        });
        let startedAt = clock.now();
        return {
          id: run.id,
          start: () => {
            startedAt = clock.now();
            return run.start();
          },
          end: ({ outcome, steps }) => {
            const facts = { startedAt, now: clock.now(), target };
            const files = Object.fromEntries(
              steps.map((step) => {
                const path = `target/${fileNameOf(step)}`;
                // A lost file is listed; a command that writes none has no row.
                return [step.command, step.fate === 'none' ? {} : { [path]: fileOf(step, facts) ?? null }];
              }),
            );
            const command = steps.at(-1)?.command ?? (commands[0] as string);
            return outcome === 'failed' ? run.fail({ command, files }) : run.succeed({ files });
          },
          cancel: () => run.cancel(),
        };
      };
    },
    subscribe: (url) => bolt.subscribe({ url: `${url}/webhooks/bolt` }),
    sendDue: () => bolt.sendDue(),
    open: () => paradime({ name: 'bolt', secrets: [TEST_SECRETS.paradime], api: bolt.options() }),
    close: () => bolt.close(),
  };
}
