import type { Options } from './options.js';
import type { ClusterTestResult } from './cluster-test.js';

const PROBLEMS_SHOWN = 20;

/** Prints the totals and every broken guarantee. Returns true if there is none. */
export function report(
  results: readonly ClusterTestResult[],
  { json, seed }: Pick<Options, 'json' | 'seed'>,
  print: (line: string) => void,
): boolean {
  const sum = (of: (result: ClusterTestResult) => number): number => results.reduce((total, one) => total + of(one), 0);
  const totals = {
    kills: sum(({ kills }) => kills),
    restarts: sum(({ restarts }) => restarts),
    acknowledged: sum(({ acknowledged }) => acknowledged),
    lost: sum(({ lost }) => lost),
    doubleEvents: sum(({ doubleEvents }) => doubleEvents),
    repeatedAttempts: sum(({ repeatedAttempts }) => repeatedAttempts),
    repeatedAttemptsMax: sum(({ repeatedAttemptsMax }) => repeatedAttemptsMax),
    exactEffects: sum(({ exactEffects }) => exactEffects),
    exactEffectsExpected: sum(({ exactEffectsExpected }) => exactEffectsExpected),
  };
  const problems = results.flatMap((result) => result.problems);
  for (const problem of problems.slice(0, PROBLEMS_SHOWN)) print(`FAILED: ${problem}`);
  if (problems.length > PROBLEMS_SHOWN) print(`FAILED: and ${problems.length - PROBLEMS_SHOWN} more`);
  if (json) process.stdout.write(`${JSON.stringify({ ...totals, seed, setups: results }, null, 2)}\n`);
  else print(ledgerLine(totals));
  return problems.length === 0;
}

function ledgerLine(totals: Readonly<Record<string, number>>): string {
  const { kills, restarts, acknowledged, lost, doubleEvents, repeatedAttempts, repeatedAttemptsMax } = totals;
  return (
    `kills ${kills}, restarts ${restarts}, acknowledged ${acknowledged}, lost ${lost}, double events ${doubleEvents}, ` +
    `repeated attempts ${repeatedAttempts} (at most ${repeatedAttemptsMax}), ` +
    `exactly-once effects ${totals['exactEffects']} of ${totals['exactEffectsExpected']}`
  );
}

export function summary(result: ClusterTestResult): string {
  const { setup, problems, seconds, kills, restarts, flushes, pauses } = result;
  return [
    `on ${setup}: ${problems.length === 0 ? 'ok' : 'FAILED'} after ${seconds.toFixed(0)} s`,
    `${kills} kills`,
    `${restarts} restarts of servers`,
    ...(setup === 'bullmq' ? [`${flushes} FLUSHALL commands`] : []),
    `${pauses} pauses longer than a lease`,
    `${result.acknowledged} messages acknowledged`,
    `${result.duplicates} duplicates sent`,
    `${result.unanswered} requests repeated`,
    `${result.deliveries} deliveries`,
  ].join(', ');
}
