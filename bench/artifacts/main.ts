import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { markdownTable } from '../report/markdown-table.js';
import { CASES, type CaseName, isCaseName } from './cases.js';
import type { Measurement } from './measure.js';

/** Limits for reading a file of any size. */
const STALL_MS_MAX = 100;
const MEMORY_MB_MAX = 150;

/** Measures a case in a process of its own, because memory that was used before would be used again. */
async function inOwnProcess(name: CaseName): Promise<Measurement> {
  const child = fork(fileURLToPath(import.meta.url), [name]);
  const measured = once(child, 'message') as Promise<[Measurement]>;
  const ended = once(child, 'exit').then(([code]) => Promise.reject(new Error(`${name}: exited with code ${code}`)));
  const [measurement] = await Promise.race([measured, ended]);
  return measurement;
}

async function main(name: string | undefined): Promise<void> {
  if (isCaseName(name)) {
    process.send?.(await CASES[name](), () => process.disconnect());
    return;
  }
  const rows: string[][] = [];
  for (const each of Object.keys(CASES) as CaseName[]) {
    const { seconds, stallMs, memoryMb } = await inOwnProcess(each);
    rows.push([each, `${stallMs.toFixed(0)} ms`, `${memoryMb.toFixed(0)} MB`, `${seconds.toFixed(1)} s`]);
    if (stallMs >= STALL_MS_MAX || memoryMb >= MEMORY_MB_MAX) process.exitCode = 1;
  }
  rows.push(['Limit', `${STALL_MS_MAX} ms`, `${MEMORY_MB_MAX} MB`, '–']);
  console.log(markdownTable(['File', 'Longest stall', 'Memory above the start', 'Time'], rows));
}

try {
  await main(process.argv[2]);
} catch (error) {
  console.error(`FAILED: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
