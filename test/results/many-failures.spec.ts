import { afterEach, describe, expect, it } from '@jest/globals';
import { Inbox, type RunKey } from 'nestjs-runhooks';
import { timers } from 'nestjs-runhooks/internal';
import { ManualClock } from 'nestjs-runhooks/testing';
import { onPostgres } from '../postgres/server.js';
import { AppProcess } from '../simulation/app-process.js';
import { placeOf, type EngineName, type InboxPlace } from '../simulation/engines.js';
import { dbtAccount, type Account } from './world/account.js';
import { Ledger, ProcessLedger } from './ledger.js';
import { ResultsApp } from './results-app.js';
import type { PlannedNode, WorldJob } from './world/world-run.js';

const FAILURES = 5_000;
const TIMEOUT_MS = 10 * 60_000;
const HOUR_MS = 60 * 60_000;
/** Calls of the inbox until each process is killed: the first one while it records nodes, the last one while handlers run. */
const KILLED_AT = [25, 40, 400] as const;

const JOB: WorldJob = { name: 'nightly-tests', project: 'shop', environment: 'Production', kind: 'wide' };

const NODES: readonly PlannedNode[] = Array.from({ length: FAILURES }, (_, index) => {
  const id = `test.shop.accepted_values_${index}.${index.toString(16).padStart(10, '0')}`;
  return { id, outcome: 'failed', status: 'fail', message: `Got ${index} results` };
});

let close: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const one of close.reverse()) await one();
  close = [];
});

/** Tells each failing test of a run once, although processes are killed in between. */
async function tellOnce(engine: EngineName): Promise<void> {
  timers.pause = timers.turn;
  const clock = new ManualClock(new Date('2026-11-30T03:00:00.000Z'));
  const account = await dbtAccount(clock);
  const place = placeOf(engine);
  close.push(
    () => place.remove(),
    () => account.close(),
  );
  const ledger = new Ledger();
  const first = await start({ account, place, clock, ledger, number: 0 });
  account.subscribe(first.url);
  const run = await fail(account);
  const killed: number[] = [];
  let app = first;
  for (const [number, calls] of KILLED_AT.entries()) {
    app.killAt(calls, number % 2 === 0);
    await app.work(false);
    expect(app.isDead).toBe(true);
    killed.push(number);
    await app.bury();
    clock.advance(HOUR_MS);
    app = await start({ account, place, clock, ledger, number: number + 1 });
    if (number === 0) expect(await isRecorded(app, run)).toBe(false);
  }
  close.push(() => app.stop());
  await app.work(false);

  const failures = ledger.receipts.filter(({ handlerId }) => handlerId === 'failures');
  expect(new Set(failures.map(({ fact }) => ('node' in fact ? fact.node.uniqueId : ''))).size).toBe(FAILURES);
  expect(new Set(failures.map(({ deliveryId }) => deliveryId)).size).toBe(FAILURES);
  expect(failures.every(({ fact }) => fact.type === 'node.failed' && fact.firstFailure)).toBe(true);
  // Only the attempts that a kill has interrupted are repeated.
  const last = failures.filter(({ processNumber }) => !killed.includes(processNumber));
  expect(new Set(last.map(({ deliveryId }) => deliveryId)).size).toBe(last.length);
  const inbox = app.app.get(Inbox);
  const { deliveries } = await inbox.counts();
  expect(deliveries.pending + deliveries.dead).toBe(0);
  const results = ledger.receipts.filter(({ handlerId }) => handlerId === 'results');
  expect(results.map(({ fact }) => fact)).toMatchObject([
    { results: { counts: { failed: FAILURES }, omitted: FAILURES - 200 } },
  ]);
}

describe('a run with 5,000 failing tests tells each of them once, although its process is killed', () => {
  it('on SQLite', () => tellOnce('sqlite'), TIMEOUT_MS);
});

onPostgres('a run with 5,000 failing tests tells each of them once on Postgres', () => {
  it('although its process is killed', () => tellOnce('postgres'), TIMEOUT_MS);
});

interface Start {
  readonly account: Account;
  readonly place: InboxPlace;
  readonly clock: ManualClock;
  readonly ledger: Ledger;
  readonly number: number;
}

function start({ account, place, clock, ledger, number }: Start): Promise<AppProcess> {
  return AppProcess.start({
    inbox: place.connect(),
    module: (inbox, isDead) =>
      ResultsApp.with({ sources: [account.open()], inbox, clock, ledger: new ProcessLedger(ledger, number, isDead) }),
    sweeps: false,
  });
}

async function isRecorded({ app }: AppProcess, run: RunKey): Promise<boolean> {
  return (await app.get(Inbox).results(run))?.isRecorded ?? false;
}

async function fail(account: Account): Promise<RunKey> {
  const command = 'dbt test';
  const run = account.addJob(JOB)({ commands: [command] });
  await run.start();
  await run.end({
    outcome: 'failed',
    steps: [{ command, which: 'test', fate: 'written', nodes: NODES, oddRows: [] }],
  });
  return { source: account.source, accountId: account.id, runId: run.id };
}
