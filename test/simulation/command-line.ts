import { ENGINES, type EngineName } from './engines.js';

/** Problems that a report shows. */
const PROBLEMS_SHOWN = 20;

/** Returns the engines of the option `--on`, which are all without it. */
export function readEngines(on: string | undefined): readonly EngineName[] {
  const engines = ENGINES.filter((engine) => on === undefined || on === engine);
  if (engines.length === 0) throw new Error(`--on: found "${on}"; expected sqlite or postgres`);
  return engines;
}

/** Returns the number of an option. Throws an error that explains what is wrong with it. */
export function readNumber(name: string, text: string, min: number, format = /^\d+$/): number {
  const number = Number(text);
  if (!format.test(text) || number < min || number > 2 ** 32) {
    throw new Error(
      `--${name}: found "${text}"; expected ${min % 1 === 0 ? 'an integer' : 'a number'} of at least ${min}`,
    );
  }
  return number;
}

/** Returns the seed of an option, or a new one without it. */
export function readSeed(text: string | undefined): number {
  return text === undefined ? Date.now() % 2 ** 32 : readNumber('seed', text, 0);
}

/** Runs a simulation on several engines at the same time. Returns whether none of them found a problem. */
export async function onEach(
  engines: readonly EngineName[],
  run: (engine: EngineName) => Promise<boolean>,
): Promise<boolean> {
  const results = await Promise.allSettled(engines.map(run));
  for (const result of results) if (result.status === 'rejected') printError(result.reason);
  return results.every((result) => result.status === 'fulfilled' && result.value);
}

/** Sets the exit code to 0 only if `main` resolves with true. */
export async function exitWith(main: Promise<boolean>): Promise<void> {
  try {
    process.exitCode = (await main) ? 0 : 1;
  } catch (error) {
    printError(error);
    process.exitCode = 1;
  }
}

export function printProblems(problems: readonly string[]): void {
  for (const problem of problems.slice(0, PROBLEMS_SHOWN)) print(`FAILED: ${problem}`);
  if (problems.length > PROBLEMS_SHOWN) print(`FAILED: and ${problems.length - PROBLEMS_SHOWN} more`);
}

export function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Returns a function that returns the seconds since now, for the lines of a report. */
export function stopwatch(): () => string {
  const startedAtMs = performance.now();
  return () => ((performance.now() - startedAtMs) / 1_000).toFixed(0).padStart(4);
}

function printError(error: unknown): void {
  process.stderr.write(`FAILED: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
}
