import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, it } from '@jest/globals';
import { moveInbox } from 'inside/move-inbox';
import { failureOf } from '../faults/failure-of.js';
import { fillInbox } from './full-inbox.js';
import { bytesOf, Move, type Said } from './move.js';
import { onOwnPostgres, OwnPostgres } from './own-server.js';
import { onPostgres, POSTGRES_URL, Schemas, SILENT } from './server.js';

const COMMAND = fileURLToPath(new URL('../../libs/cli/src/main.ts', import.meta.url));
const TYPESCRIPT = fileURLToPath(new URL('../faults/preload/typescript.mjs', import.meta.url));

interface Line {
  readonly kind: string;
  readonly movedOfAll?: number;
  readonly rowsOfAll?: number;
}

/** Runs the command as a process and kills it after the given number of lines. */
async function runKilled(move: Move, linesMax: number): Promise<{ code: number | null; lines: Line[] }> {
  const args = ['move', '--from', move.file, '--to', POSTGRES_URL, '--schema', move.schema, '--json'];
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', '--import', TYPESCRIPT, COMMAND, ...args],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, NODE_OPTIONS: '' },
    },
  );
  const lines: Line[] = [];
  createInterface(child.stdout).on('line', (line) => {
    const entry = JSON.parse(line) as Line;
    // A server without fsync causes a warning first.
    if (entry.kind !== 'warning') lines.push(entry);
    if (lines.length >= linesMax) child.kill('SIGKILL');
  });
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { code, lines };
}

onPostgres('an interrupted move from SQLite to Postgres', () => {
  const schemas = new Schemas();
  const move = new Move(schemas);

  it('resumes where it stopped after any number of kills, and moves every row once', async () => {
    await fillInbox(move.file, undefined, { messages: 700 });
    const before = bytesOf(move.file);
    let moved = 0;
    let kills = 0;
    for (const linesMax of [2, 4, 7, 3, 6]) {
      const { code, lines } = await runKilled(move, linesMax);
      if (code === 0) break;
      kills += 1;
      expect(code).toBeNull();
      // Rows reported as moved stay moved.
      expect(lines[0]?.movedOfAll).toBeGreaterThanOrEqual(moved === 0 ? 0 : 1);
      moved = Math.max(moved, ...lines.map(({ movedOfAll = 0 }) => movedOfAll));
    }
    expect(kills).toBeGreaterThan(3);
    expect(moved).toBeGreaterThan(1_500);
    const { code, output } = await move.run();
    expect([code, output]).toEqual([0, expect.stringContaining('"kind":"moved"')]);
    expect(await move.rowsOfSchema()).toEqual(await move.rowsOfFile());
    expect(bytesOf(move.file)).toEqual(before);
  });

  it('is rejected while another process moves into the same schema', async () => {
    await fillInbox(move.file);
    let other: Promise<Said> | undefined;
    await moveInbox({ from: move.file, to: POSTGRES_URL, schema: move.schema }, () => (other ??= move.run()), SILENT);
    const { code, output } = (await other) as Said;
    expect([code, output]).toEqual([1, expect.stringMatching(/is in use/)]);
    expect(await move.rowsOfSchema()).toEqual(await move.rowsOfFile());
  });
});

onOwnPostgres('a move from SQLite to Postgres whose server fails', () => {
  const schemas = new Schemas();
  const move = new Move(schemas);
  let server: OwnPostgres;

  afterEach(() => server.remove());

  it('exits with the code for an unavailable server, and resumes when the server is back', async () => {
    server = await OwnPostgres.start();
    await fillInbox(move.file, undefined, { messages: 600 });
    let stopped: Promise<void> | undefined;
    const stop = (): unknown => (stopped ??= server.stop('immediate'));
    const options = { from: move.file, to: server.url, schema: move.schema };
    const failure = await failureOf(moveInbox(options, ({ table }) => table === 'events' && stop(), SILENT));
    expect(failure).toMatchObject({ code: 'RUNHOOKS_STORE_UNAVAILABLE' });
    await stopped;
    expect((await move.run({ to: server.url })).code).toBe(1);
    await server.start();
    const { code, output } = await move.run({ to: server.url });
    expect([code, output]).toEqual([0, expect.stringContaining('"kind":"moved"')]);
    const [first] = output.split('\n').map((line) => JSON.parse(line || '{}') as Line);
    expect(first?.movedOfAll).toBeGreaterThan(600);
    expect(await move.rowsOfSchema(server.url)).toEqual(await move.rowsOfFile());
  });
});
