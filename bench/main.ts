import { Bench } from './bench.js';
import { measuredCommit } from './commit.js';
import type { Findings } from './findings.js';
import { machine } from './machine.js';
import { readOptions, USAGE } from './options.js';
import { FULL, QUICK } from './plan.js';
import { writeResults } from './report/files.js';
import { collect, toJson, type Report } from './report/report.js';
import { toText } from './report/text.js';
import { SCENARIOS, type ScenarioName } from './scenarios/scenarios.js';

async function main(args: readonly string[]): Promise<void> {
  const { help, quick, only, json, write, directory } = readOptions(args);
  if (help) {
    console.log(USAGE);
    return;
  }
  const progress = json ? process.stderr : process.stdout;
  const startedAt = performance.now();
  const seconds = (): number => (performance.now() - startedAt) / 1_000;
  const print = (line: string): void => void progress.write(`[${seconds().toFixed(0).padStart(4)} s] ${line}\n`);
  // Read before the run, which may take long enough for a commit.
  const commit = measuredCommit();
  const bench = await Bench.open(quick ? QUICK : FULL, directory, print);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void bench.close().finally(() => process.exit(1)));
  }
  const all: Findings[] = [];
  try {
    const names = Object.keys(SCENARIOS) as ScenarioName[];
    for (const name of only.length > 0 ? only : names) {
      all.push(await SCENARIOS[name](bench));
      await bench.stopContenders();
    }
  } finally {
    await bench.close();
  }
  const date = new Date().toISOString().slice(0, 10);
  const report: Report = { date, commit, quick, seconds: seconds(), machine: machine(), ...collect(all) };
  console.log(json ? toJson(report) : toText(report));
  if (write) writeResults(report);
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  console.error(`FAILED: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
