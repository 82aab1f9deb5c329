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
  let isGood = true;
  // One after the other: timeouts of calls end for the whole process.
  for (const engine of options.engines) {
    isGood = (await onEach([engine], async () => report(engine, await runOn(engine, options)))) && isGood;
  }
  return isGood;
}

async function runOn(engine: EngineName, { actions, seed }: Options): Promise<Verdict> {
  const place = placeOf(engine);
  const seconds = stopwatch();
  try {
    return verify(await simulate({ place, actions, seed, onProgress: (line) => print(`[${seconds()}s] ${line}`) }));
  } finally {
    await place.remove();
  }
}

/** Prints the totals and every broken guarantee. Returns true if there is none. */
function report(engine: EngineName, { actions, runs, doubled, lost, unknown, again, problems }: Verdict): boolean {
  printProblems(problems);
  print(
    `${engine}: with onUnknown 'again': actions ${again.actions}, runs started ${again.runs}, doubled ${again.doubled}`,
  );
  print(`${engine}: actions ${actions}, runs started ${runs}, doubled ${doubled}, lost ${lost}, unknown ${unknown}`);
  return problems.length === 0;
}

await exitWith(main(process.argv.slice(2)));
