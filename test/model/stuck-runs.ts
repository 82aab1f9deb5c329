import type { RunStuck } from 'nestjs-runhooks/internal';
import { dbtCloudWebhook } from 'nestjs-runhooks/testing';
import fc from 'fast-check';
import { START } from '../dispatch/dispatch-harness.js';
import { checkProperty, type PropertyBudget } from '../property.js';
import { same } from './same.js';
import { TwoProcesses, type NewInbox, type SharedInbox } from './shared-inbox.js';

const MINUTE = 60_000;
const ALLOWED_MINUTES = 10;

/** Times of a run in minutes; a run without an end never reports that it is over. */
interface Watched {
  readonly startsAt: number;
  readonly takes: number | undefined;
  readonly ends: 'succeeded' | 'failed' | 'canceled';
  readonly to: 0 | 1;
}

const runs = fc.array(
  fc.record({
    startsAt: fc.nat(30),
    takes: fc.option(fc.nat(40), { nil: undefined }),
    ends: fc.constantFrom('succeeded', 'failed', 'canceled' as const),
    to: fc.constantFrom<0 | 1>(0, 1),
  }),
  { maxLength: 8 },
);

/** The restart of a process. */
interface Stop {
  readonly at: number;
  readonly which: 0 | 1;
}

const restarts: fc.Arbitrary<Stop[]> = fc.array(fc.record({ at: fc.nat(80), which: fc.constantFrom<0 | 1>(0, 1) }), {
  maxLength: 6,
});

/** Lets two processes on one inbox watch runs across restarts, and compares the stuck runs with the plain rule. */
export async function checkStuckRuns(newInbox: NewInbox, budget: PropertyBudget): Promise<void> {
  let reports = 0;
  await checkProperty(
    fc.tuple(runs, restarts),
    async ([watched, stops], signal) => {
      reports += await watch(await newInbox(), watched, stops, signal);
    },
    { ...budget, missing: () => (reports > 0 ? [] : ['a stuck run']) },
  );
}

async function watch(
  inbox: SharedInbox,
  watched: readonly Watched[],
  stops: readonly Stop[],
  signal: AbortSignal,
): Promise<number> {
  const stuck: string[] = [];
  const report = (event: unknown): void => {
    const { run, stuckAfterMs, occurredAt } = event as RunStuck;
    stuck.push(`${run.id} after ${stuckAfterMs / MINUTE} at ${(occurredAt.getTime() - START.getTime()) / MINUTE}`);
  };
  const on = { stuck: { afterMs: ALLOWED_MINUTES * MINUTE } };
  const two = await TwoProcesses.on(inbox, (harness) => harness.on('watch', report, { on }));
  const send = ({ to }: Watched, run: number, event: 'started' | Watched['ends']): Promise<string> => {
    const data = { runId: `${run}`, ...(event === 'started' && { runStartedAt: two.clock.now().toISOString() }) };
    return two.process(to).receive('dbt', dbtCloudWebhook({ event, now: two.clock.now(), payload: { data } }));
  };
  try {
    for (const minute of minutesOf(watched, stops)) {
      signal.throwIfAborted();
      two.clock.set(new Date(START.getTime() + minute * MINUTE));
      for (const { at, which } of stops) if (at === minute) await two.restart(which);
      for (const [run, one] of watched.entries()) {
        if (one.startsAt === minute) await send(one, run, 'started');
        if (one.takes !== undefined && one.startsAt + one.takes === minute) await send(one, run, one.ends);
      }
      await two.work();
    }
    const expected = watched.flatMap(({ startsAt, takes = Infinity }, run) =>
      takes > ALLOWED_MINUTES ? [`${run} after ${ALLOWED_MINUTES} at ${startsAt + ALLOWED_MINUTES}`] : [],
    );
    same(stuck.sort(), expected.sort(), 'what was stuck, once each');
    same((await two.process(0).inbox.counts()).checks, 0, 'nothing is watched any more');
    return stuck.length;
  } finally {
    await two.end();
  }
}

/** Returns the minutes of all events, and those shortly before and exactly at each time limit. */
function minutesOf(watched: readonly Watched[], stops: readonly Stop[]): number[] {
  const minutes = watched.flatMap(({ startsAt, takes = 0 }) => {
    const timeUp = startsAt + ALLOWED_MINUTES;
    return [startsAt, startsAt + takes, timeUp - 1, timeUp, timeUp + 1];
  });
  return [...new Set([...minutes, ...stops.map(({ at }) => at), 80])].sort((one, other) => one - other);
}
