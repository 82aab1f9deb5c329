import { writeFileSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';
import pg from 'pg';
import { measure, remove, type Measurement } from './measure.js';
import { readOptions, USAGE } from './options.js';
import { POSTGRES_URL, TRANSPORTS } from './measured-setup.js';
import { toMarkdown, toText, type Report } from './report.js';

/** The path is relative to dist/bench-cluster. */
const PAGE = new URL('../../bench/CLUSTER.md', import.meta.url);
const WORKER_COUNTS = [1, 2, 4];
const HANDLER_MS = [0, 50];

/** The measurement in progress. */
let current: Parameters<typeof remove>[0] | undefined;

async function main(args: readonly string[]): Promise<void> {
  const { help, json, write } = readOptions(args);
  if (help) {
    console.log(USAGE);
    return;
  }
  const progress = json ? process.stderr : process.stdout;
  const startedAt = performance.now();
  const machine = await describeMachine();
  const measurements: Measurement[] = [];
  for (const handlerMs of HANDLER_MS) {
    for (const transport of TRANSPORTS) {
      for (const workers of WORKER_COUNTS) {
        const seconds = ((performance.now() - startedAt) / 1_000).toFixed(0).padStart(4);
        progress.write(`[${seconds} s] ${transport}, ${workers} workers, handlers of ${handlerMs} ms\n`);
        const name = `bench_${process.pid}_${measurements.length}`;
        current = { transport, name };
        measurements.push(await measure({ transport, handlerMs, workers }, name));
      }
    }
  }
  const report: Report = { date: new Date().toISOString().slice(0, 10), machine, measurements };
  console.log(json ? JSON.stringify(report, null, 2) : toText(report));
  if (write) writeFileSync(PAGE, toMarkdown(report));
}

async function describeMachine(): Promise<string> {
  const client = new pg.Client({ connectionString: POSTGRES_URL });
  await client.connect();
  const ask = async (sql: string): Promise<string> => {
    const [row = {}] = (await client.query<Record<string, string>>(sql)).rows;
    return Object.values(row)[0] ?? '';
  };
  try {
    const version = (await ask('show server_version')).split(' ')[0];
    const fsync = await ask('show fsync');
    return (
      `${availableParallelism()} cores, ${Math.round(totalmem() / 2 ** 30)} GB of memory, Node ${process.version}, ` +
      `PostgreSQL ${version} with fsync ${fsync}`
    );
  } finally {
    await client.end();
  }
}

async function interrupted(): Promise<void> {
  if (current) await remove(current);
  process.exit(130);
}

process.once('SIGINT', () => void interrupted());
process.once('SIGTERM', () => void interrupted());

try {
  await main(process.argv.slice(2));
} catch (error) {
  console.error(`FAILED: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  process.exitCode = 1;
}
