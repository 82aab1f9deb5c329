import { afterEach, describe, expect, it } from '@jest/globals';
import { Inbox, type ActionSummary } from 'nestjs-runhooks';
import { timers } from 'nestjs-runhooks/internal';
import { ManualClock } from 'nestjs-runhooks/testing';
import { AppProcess } from '../simulation/app-process.js';
import { placeOf, type InboxPlace } from '../simulation/engines.js';
import { dbtAccount, paradimeAccount, type Account, type AccountRun } from './account.js';
import { ActionsApp, Downstream } from './actions-app.js';
import { Ledger, ProcessLedger } from './ledger.js';

const MINUTE_MS = 60_000;
const TIMEOUT_MS = 10 * 60_000;
/** More calls of the inbox than an action has, from its claim to the end of its delivery. */
const CALLS_MAX = 100;

let close: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const one of close.reverse()) await one();
  close = [];
});

/** What came of an action whose process was killed. */
interface Outcome {
  /** Whether the process took that many steps. */
  readonly isKilled: boolean;
  readonly action: ActionSummary | undefined;
  /** Runs that the provider started for it. */
  readonly started: readonly AccountRun[];
  readonly deliveries: readonly string[];
}

/** Lets a handler retry a failed run, or start a job after a good one, and kills the process at a call of the inbox. */
async function killAt(calls: number, isCutAfter: boolean, kind: 'once' | 'start'): Promise<Outcome> {
  timers.pause = timers.turn;
  const clock = new ManualClock(new Date('2026-11-30T03:00:00.000Z'));
  const account = await dbtAccount(clock);
  // The app has handlers of both providers.
  const other = await paradimeAccount(clock);
  const place = placeOf('sqlite');
  close.push(
    () => place.remove(),
    () => account.close(),
    () => other.close(),
  );
  const job = account.addJob(`${kind}-1`);
  const target = account.addJob('after');
  const downstream = new Downstream([[`dbt ${job.id}`, target.id]]);
  const first = await start([account, other], place, clock, downstream);
  account.subscribe(first.url);
  const run = job.queue();
  await run.start();
  await (kind === 'once' ? run.fail(true) : run.succeed());

  first.killAt(calls, isCutAfter);
  await first.work(false);
  const isKilled = first.isDead;
  if (!isKilled) first.spare();
  else await first.bury();
  const second = isKilled ? await start([account, other], place, clock, downstream) : first;
  close.push(() => second.stop());
  for (let minute = 0; minute < 8; minute += 1) {
    clock.advance(MINUTE_MS);
    await second.work(false);
  }
  const inbox = second.app.get(Inbox);
  return {
    isKilled,
    action: (await inbox.actions()).items[0],
    started: account.runs().filter(({ retryOf, cause }) => retryOf === run.id || cause.endsWith(`after run ${run.id}`)),
    deliveries: (await inbox.deliveries()).items.map(({ state }) => state),
  };
}

function start(
  accounts: readonly Account[],
  place: InboxPlace,
  clock: ManualClock,
  downstream: Downstream,
): Promise<AppProcess> {
  const ledger = new Ledger(() => clock.now());
  return AppProcess.start({
    inbox: place.connect(),
    module: (inbox, isDead) =>
      ActionsApp.with({
        sources: accounts.map((account) => account.open(account.origin)),
        inbox,
        clock,
        ledger: new ProcessLedger(ledger, isDead),
        downstream,
      }),
    sweeps: false,
  });
}

describe.each(['once', 'start'] as const)('an action of the handler "%s"', (kind) => {
  it.each([
    ['before', false],
    ['after', true],
  ] as const)(
    'is carried out once, or is unknown and not carried out, if its process is killed %s any call of the inbox',
    async (_, isCutAfter) => {
      const states = new Set<string | undefined>();
      let calls = 0;
      for (; calls < CALLS_MAX; calls += 1) {
        const { isKilled, action, started, deliveries } = await killAt(calls, isCutAfter, kind);
        // The process was killed after it wrote that it calls, and before it called: nobody can know that it did not.
        const isUnknown = action?.state === 'unknown';
        const found = {
          calls,
          state: action?.state,
          answer: action?.answer?.runId,
          started: started.length,
          deliveries,
        };
        expect(found).toEqual({
          calls,
          state: isUnknown ? 'unknown' : 'answered',
          answer: isUnknown ? undefined : started[0]?.id,
          started: isUnknown ? 0 : 1,
          deliveries: [isUnknown ? 'dead' : 'succeeded'],
        });
        states.add(action?.state);
        if (!isKilled) break;
      }
      expect(calls).toBeGreaterThan(8);
      expect(calls).toBeLessThan(CALLS_MAX);
      expect(states).toEqual(new Set(['answered', 'unknown']));
    },
    TIMEOUT_MS,
  );
});
