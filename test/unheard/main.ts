import { exitWith, onEach, print, printProblems, stopwatch } from '../simulation/command-line.js';
import { placeOf, type EngineName } from '../simulation/engines.js';
import { readOptions, USAGE, type Options } from './options.js';
import { simulate } from './simulation.js';
import { verify, type Verdict } from './verify.js';

async function main(args: readonly string[]): Promise<boolean> {
  const options = readOptions(args);
  if (options.help) {
    print(USAGE);
    return true;
  }
  print(`seed ${options.seed}`);
  return await onEach(options.engines, async (engine) => report(engine, await runOn(engine, options)));
}

async function runOn(engine: EngineName, { days, jobs, seed }: Options): Promise<readonly Verdict[]> {
  const place = placeOf(engine);
  const seconds = stopwatch();
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
  printProblems(problems);
  print(
    `${engine}: runs ${sum(({ runs }) => runs)}, by webhook ${sum(({ byWebhook }) => byWebhook)}, ` +
      `by sweep ${sum(({ bySweep }) => bySweep)}, unheard ${unheard}, ` +
      `told twice ${toldTwice}, calls a day ${verdicts.map(({ callsADay }) => callsADay).join(' + ')}`,
  );
  return problems.length === 0 && unheard === 0 && toldTwice === 0;
}

await exitWith(main(process.argv.slice(2)));
