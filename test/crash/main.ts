import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { oneProcess } from './one-process.js';
import { readOptions, USAGE, type Options } from './options.js';
import { Scenario, type ScenarioResult } from './scenario.js';
import { twoProcesses } from './two-processes.js';

const PROBLEMS_SHOWN = 20;
const LOG_LINES_SHOWN = 20;

const SCENARIOS = [
  { title: 'one process', run: oneProcess, killsOf: ({ kills }: Options) => kills },
  { title: 'two processes', run: twoProcesses, killsOf: ({ pairKills }: Options) => pairKills },
];

async function main(args: readonly string[]): Promise<boolean> {
  const options = readOptions(args);
  if (options.help) {
    process.stdout.write(`${USAGE}\n`);
    return true;
  }
  const progress = options.json ? process.stderr : process.stdout;
  const print = (line: string): void => void progress.write(`${line}\n`);
  const directory = mkdtempSync(join(tmpdir(), 'runhooks-crash-'));
  print(`seed ${options.seed}; files in ${directory}`);
  const results: ScenarioResult[] = [];
  for (const { title, run, killsOf } of SCENARIOS) {
    const kills = killsOf(options);
    if (kills === 0) continue;
    const own = join(directory, title.replace(' ', '-'));
    const scenario = new Scenario({ title, directory: own, kills, seed: options.seed, print });
    try {
      results.push(await run(scenario));
    } catch (error) {
      scenario.discard();
      throw new Error(`${title}: ${String((error as Error).message)}\n${lastLinesOf(scenario.files.log)}`, {
        cause: error,
      });
    }
    print(`${title}: ${summary(results.at(-1) as ScenarioResult)}`);
  }
  const isOk = report(results, options, directory, print);
  if (isOk && !options.keep) rmSync(directory, { recursive: true });
  else print(`inboxes, ledgers and logs are kept in ${directory}`);
  return isOk;
}

/** Prints the totals and every broken guarantee. Returns true if there is none. */
function report(
  results: readonly ScenarioResult[],
  { json, seed }: Options,
  directory: string,
  print: (line: string) => void,
): boolean {
  const sum = (of: (result: ScenarioResult) => number): number => results.reduce((total, one) => total + of(one), 0);
  const totals = {
    kills: sum(({ kills }) => kills),
    acknowledged: sum(({ acknowledged }) => acknowledged),
    lost: sum(({ lost }) => lost),
    doubleEvents: sum(({ doubleEvents }) => doubleEvents),
    repeatedAttempts: sum(({ repeatedAttempts }) => repeatedAttempts),
  };
  const problems = results.flatMap((result) => result.problems);
  for (const problem of problems.slice(0, PROBLEMS_SHOWN)) print(`FAILED: ${problem}`);
  if (problems.length > PROBLEMS_SHOWN) print(`FAILED: and ${problems.length - PROBLEMS_SHOWN} more`);
  if (json) {
    process.stdout.write(`${JSON.stringify({ ...totals, seed, directory, scenarios: results }, null, 2)}\n`);
  } else {
    const { kills, acknowledged, lost, doubleEvents, repeatedAttempts } = totals;
    print(
      `kills ${kills}, acknowledged ${acknowledged}, lost ${lost}, ` +
        `double events ${doubleEvents}, repeated attempts ${repeatedAttempts}`,
    );
  }
  return problems.length === 0;
}

function summary(result: ScenarioResult): string {
  const { kills, acknowledged, duplicates, unanswered, storedUnanswered, deliveries } = result;
  return [
    `${result.problems.length === 0 ? 'ok' : 'FAILED'} after ${result.seconds.toFixed(0)} s`,
    `${kills} kills`,
    `${acknowledged} messages acknowledged`,
    `${duplicates} duplicates sent`,
    `${unanswered} requests repeated (${storedUnanswered} of stored messages)`,
    `${deliveries} deliveries`,
    `${result.repeatedAttempts} attempts repeated (the kills explain at most ${result.repeatedAttemptsMax})`,
  ].join(', ');
}

function lastLinesOf(log: string): string {
  return readFileSync(log, 'utf8').trimEnd().split('\n').slice(-LOG_LINES_SHOWN).join('\n');
}

try {
  process.exitCode = (await main(process.argv.slice(2))) ? 0 : 1;
} catch (error) {
  process.stderr.write(`FAILED: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
