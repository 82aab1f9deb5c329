import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { problemsOf } from './problems.js';
import { readOptions, USAGE } from './options.js';
import { soak } from './soak.js';
import type { Tenth } from './tenth.js';

async function main(args: readonly string[]): Promise<boolean> {
  const { help, json, messages, directory: given } = readOptions(args);
  if (help) {
    process.stdout.write(`${USAGE}\n`);
    return true;
  }
  const progress = json ? process.stderr : process.stdout;
  const report = (line: string): void => void progress.write(`${line}\n`);
  const directory = mkdtempSync(join(given ?? tmpdir(), 'runhooks-soak-'));
  try {
    const { tenths, warnings } = await soak({ path: join(directory, 'inbox.db'), messages, report });
    const problems = [...problemsOf(tenths), ...warnings];
    for (const problem of problems) report(`FAILED: ${problem}`);
    if (json) process.stdout.write(`${JSON.stringify({ messages, problems, tenths }, null, 2)}\n`);
    else report(summary(messages, tenths));
    return problems.length === 0;
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function summary(messages: number, tenths: readonly Tenth[]): string {
  const [first, last] = [tenths[0] as Tenth, tenths.at(-1) as Tenth];
  const perSecond = `${first.perSecond.toFixed(0)}/s in the first tenth, ${last.perSecond.toFixed(0)}/s in the last`;
  const share = `${((last.perSecond / first.perSecond) * 100).toFixed(0)} %`;
  const cpuMs = ({ cpuSeconds, messages: count }: Tenth): string => ((cpuSeconds / count) * 1_000).toFixed(2);
  const growthMb = (last.rssMb - first.rssMb).toFixed(1);
  return (
    `messages ${messages}, accepted ${perSecond} (${share}), ${cpuMs(first)} ms of CPU each, then ${cpuMs(last)} ms, memory grew by ${growthMb} MB, ` +
    `file ${first.fileMb.toFixed(0)} MB, then ${last.fileMb.toFixed(0)} MB`
  );
}

try {
  process.exitCode = (await main(process.argv.slice(2))) ? 0 : 1;
} catch (error) {
  process.stderr.write(`FAILED: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
