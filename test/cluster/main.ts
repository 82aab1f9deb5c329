import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { absenceOfPostgres } from '../postgres/own-postgres.js';
import { Cluster } from './cluster.js';
import { readOptions, USAGE, type Options } from './options.js';
import { ClusterTest, type ClusterTestResult } from './cluster-test.js';
import { absenceOfRedis } from './own-redis.js';
import { report, summary } from './report.js';

const LOG_LINES_SHOWN = 20;

/** Directory to remove at the end, however the test ends. */
let directory: string | undefined;
let starting: Promise<Cluster> | undefined;

async function main(args: readonly string[]): Promise<boolean> {
  const options = readOptions(args);
  if (options.help) {
    process.stdout.write(`${USAGE}\n`);
    return true;
  }
  requireServers(options);
  const progress = options.json ? process.stderr : process.stdout;
  const print = (line: string): void => void progress.write(`${line}\n`);
  directory = mkdtempSync(join(tmpdir(), 'runhooks-cluster-'));
  print(`seed ${options.seed}`);
  const results: ClusterTestResult[] = [];
  for (const setup of options.setups) {
    starting = Cluster.start({ setup, directory: join(directory, setup), seed: options.seed });
    const cluster = await starting;
    try {
      const result = await new ClusterTest(cluster, { ...options, setup, print }).run();
      results.push(result);
      print(summary(result));
    } catch (error) {
      throw new Error(`on ${setup}: ${String((error as Error).message)}\n${lastLinesOf(cluster.log)}`, {
        cause: error,
      });
    } finally {
      await cluster.remove();
    }
  }
  if (options.keep) print(`ledgers and logs are kept in ${directory}`);
  else remove();
  return report(results, options, print);
}

/** Throws if a server program is missing. The test is never skipped, because a skipped test proves nothing. */
function requireServers({ setups }: Options): void {
  const absences = [absenceOfPostgres(), setups.includes('bullmq') ? absenceOfRedis() : undefined];
  const missing = absences.filter((absence) => absence !== undefined);
  if (missing.length > 0) {
    throw new Error(`missing servers: ${missing.join(' and ')}; install the packages postgresql and redis-server`);
  }
}

function lastLinesOf(log: string): string {
  return readFileSync(log, 'utf8').trimEnd().split('\n').slice(-LOG_LINES_SHOWN).join('\n');
}

function remove(): void {
  if (directory !== undefined) rmSync(directory, { recursive: true, force: true });
}

/** Handles Ctrl-C and the SIGTERM of an orchestrator. */
async function interrupted(code: number): Promise<void> {
  process.stderr.write('interrupted; removing the servers and files\n');
  const cluster = await starting?.catch(() => undefined);
  await cluster?.remove();
  remove();
  process.exit(code);
}

process.once('SIGINT', () => void interrupted(130));
process.once('SIGTERM', () => void interrupted(143));

try {
  process.exitCode = (await main(process.argv.slice(2))) ? 0 : 1;
} catch (error) {
  process.stderr.write(`FAILED: ${error instanceof Error ? error.message : String(error)}\n`);
  remove();
  process.exitCode = 1;
}
