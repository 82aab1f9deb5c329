import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { quickDirectory } from '../model/sqlite-files.js';
import { eventually } from '../postgres/eventually.js';
import { onPostgres, Schemas } from '../postgres/server.js';
import { AppProcess } from './app-process.js';
import type { ProcessOptions } from './app.js';

/** Clocks stand still, so no lease expires. */
const AT_MS = Date.parse('2026-01-01T00:00:00Z');
/** More runs than a process handles at the same time. */
const RUNS = Array.from({ length: 15 }, (_, index) => `h ${index}`);
const RUNNING = 10;

type Place = Pick<ProcessOptions, 'file' | 'schema'>;

function releasesItsWork(newPlace: () => Place): void {
  const processes: AppProcess[] = [];
  afterEach(async () => {
    await Promise.all(processes.splice(0).map((one) => one.kill()));
  });

  async function start(
    options: Place & Pick<ProcessOptions, 'role' | 'concurrency' | 'isHanging'>,
  ): Promise<AppProcess> {
    const one = await AppProcess.start({ handlers: ['h'], atMs: AT_MS, ...options });
    processes.push(one);
    return one;
  }

  /** Kills a process in the middle of the work that the process `into` receives, and starts another one. */
  async function replace(killed: AppProcess, into: AppProcess, place: Place): Promise<void> {
    for (const run of RUNS) expect(await into.send(run.slice(2))).toBe(200);
    await eventually(() => killed.ran.length === RUNNING);
    await killed.kill();
    const next = await start({ ...place, role: 'worker' });
    await eventually(() => next.ran.length === RUNS.length);
    expect(next.ran.sort()).toEqual([...RUNS].sort());
  }

  it('releases what it received and claimed itself when another process of its host starts', async () => {
    const place = newPlace();
    const killed = await start({ ...place, role: 'both', isHanging: true });
    await replace(killed, killed, place);
  });

  it('releases what it claimed from the inbox when another process of its host starts', async () => {
    const place = newPlace();
    const receiver = await start({ ...place, role: 'receiver' });
    const killed = await start({ ...place, role: 'worker', concurrency: RUNNING, isHanging: true });
    await replace(killed, receiver, place);
  });
}

describe('a killed process on SQLite', () => {
  const directories: string[] = [];
  releasesItsWork(() => {
    const directory = quickDirectory();
    directories.push(directory);
    return { file: join(directory, 'inbox.db') };
  });
  afterEach(() => {
    for (const directory of directories.splice(0)) rmSync(directory, { recursive: true });
  });
});

onPostgres('a killed process on Postgres', () => {
  const schemas = new Schemas();
  releasesItsWork(() => ({ schema: schemas.next() }));
});
