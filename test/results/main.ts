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

async function runOn(engine: EngineName, { runs, seed }: Options): Promise<Verdict> {
  const place = placeOf(engine);
  const seconds = stopwatch();
  try {
    return verify(await simulate({ place, runs, seed, onDay: (line) => print(`[${seconds()}s] ${line}`) }));
  } finally {
    await place.remove();
  }
}

/** Prints the totals and every broken guarantee. Returns true if there is none. */
function report(engine: EngineName, { runs, results, doubled, missed, wrong, problems }: Verdict): boolean {
  printProblems(problems);
  print(`${engine}: runs ${runs}, results ${results}, doubled ${doubled}, missed ${missed}, incidents wrong ${wrong}`);
  return problems.length === 0;
}

await exitWith(main(process.argv.slice(2)));
