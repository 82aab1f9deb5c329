import { placeOf } from './engines.js';
import { readOptions, USAGE, type EngineName, type Options } from './options.js';
import { simulate } from './simulation.js';
import { verify, type Verdict } from './verify.js';

const PROBLEMS_SHOWN = 20;

async function main(args: readonly string[]): Promise<boolean> {
  const options = readOptions(args);
  if (options.help) {
    print(USAGE);
    return true;
  }
  print(`seed ${options.seed}`);
  const runs = options.engines.map(async (engine) => report(engine, await runOn(engine, options)));
  const results = await Promise.allSettled(runs);
  for (const result of results) if (result.status === 'rejected') printError(result.reason);
  return results.every((result) => result.status === 'fulfilled' && result.value);
}

async function runOn(engine: EngineName, { days, jobs, seed }: Options): Promise<readonly Verdict[]> {
  const place = placeOf(engine);
  const startedAtMs = performance.now();
  const seconds = (): string => ((performance.now() - startedAtMs) / 1_000).toFixed(0).padStart(4);
  try {
    const evidence = await simulate({ place, days, jobs, seed, onDay: (line) => print(`[${seconds()}s] ${line}`) });
    return [...evidence.values()].map(verify);
  } finally {
    await place.remove();
  }
}

/** Prints the totals and every broken guarantee. Returns true if there is none. */
function report(engine: EngineName, verdicts: readonly Verdict[]): boolean {
  const problems = verdicts.flatMap((verdict) => verdict.problems);
  const sum = (of: (verdict: Verdict) => number): number => verdicts.reduce((total, one) => total + of(one), 0);
  const unheard = sum((verdict) => verdict.unheard);
  const toldTwice = sum((verdict) => verdict.toldTwice);
  for (const problem of problems.slice(0, PROBLEMS_SHOWN)) print(`FAILED: ${problem}`);
  if (problems.length > PROBLEMS_SHOWN) print(`FAILED: and ${problems.length - PROBLEMS_SHOWN} more`);
  print(
    `${engine}: runs ${sum(({ runs }) => runs)}, by webhook ${sum(({ byWebhook }) => byWebhook)}, ` +
      `by sweep ${sum(({ bySweep }) => bySweep)}, unheard ${unheard}, ` +
      `told twice ${toldTwice}, calls a day ${verdicts.map(({ callsADay }) => callsADay).join(' + ')}`,
  );
  return problems.length === 0 && unheard === 0 && toldTwice === 0;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

function printError(error: unknown): void {
  process.stderr.write(`FAILED: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
}

try {
  process.exitCode = (await main(process.argv.slice(2))) ? 0 : 1;
} catch (error) {
  printError(error);
  process.exitCode = 1;
}
