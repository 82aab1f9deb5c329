import { spawn, spawnSync, type SpawnSyncOptions } from 'node:child_process';
import { accessSync, chownSync, mkdtempSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { freePort, untilListening } from './ports.js';
import type { Server } from './server.js';
import { ServerProcess } from './server-process.js';

const ROOT_OF_DEBIAN = '/usr/lib/postgresql';

/** Returns why PostgreSQL cannot be started here, or undefined if it can. */
export function absenceOfPostgres(): string | undefined {
  return findBin() === undefined
    ? `initdb was not found below ${ROOT_OF_DEBIAN} (PG_BIN sets its directory)`
    : undefined;
}

/** Returns the directory of initdb and postgres: PG_BIN, or the newest version that Debian has installed. */
function findBin(): string | undefined {
  try {
    const newest = (): string => readdirSync(ROOT_OF_DEBIAN).toSorted((a, b) => Number(b) - Number(a))[0] ?? '';
    const bin = process.env['PG_BIN'] ?? join(ROOT_OF_DEBIAN, newest(), 'bin');
    accessSync(join(bin, 'initdb'));
    return bin;
  } catch {
    return undefined;
  }
}

/** Starts a PostgreSQL with the default settings, so with fsync, and with room for the pools of all contenders. */
export async function startPostgres(parent: string): Promise<Server> {
  const directory = mkdtempSync(join(parent, 'runhooks-postgres-'));
  const bin = findBin() ?? '';
  const data = join(directory, 'data');
  const user = userFor(directory);
  const { status, stderr } = spawnSync(
    join(bin, 'initdb'),
    ['-A', 'trust', '-U', 'postgres', '-E', 'UTF8', '-D', data],
    { ...user, cwd: directory, encoding: 'utf8' },
  );
  if (status !== 0) throw new Error(`initdb failed: ${String(stderr)}`);
  const port = await freePort();
  const settings = { listen_addresses: '127.0.0.1', unix_socket_directories: directory, max_connections: 300 };
  const args = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const child = spawn(join(bin, 'postgres'), ['-D', data, '-p', String(port), ...args], {
    ...user,
    cwd: directory,
    stdio: 'ignore',
  });
  const postgres = new ServerProcess(`postgres://postgres@127.0.0.1:${port}/postgres`, directory, child);
  try {
    await untilListening(port);
    await untilReady(postgres.url);
    return postgres;
  } catch (error) {
    await postgres.stop();
    throw error;
  }
}

/** Returns the user postgres if this process is root, which PostgreSQL refuses to be run by. */
function userFor(directory: string): Pick<SpawnSyncOptions, 'uid' | 'gid'> {
  if (process.getuid?.() !== 0) return {};
  const idOf = (flag: string): number => Number(spawnSync('id', [flag, 'postgres'], { encoding: 'utf8' }).stdout);
  const [uid, gid] = [idOf('-u'), idOf('-g')];
  chownSync(directory, uid, gid);
  return { uid, gid };
}

/** A server that has just started accepts connections before it runs statements. */
async function untilReady(url: string): Promise<void> {
  for (let attempt = 0; ; attempt += 1) {
    const client = new pg.Client({ connectionString: url });
    try {
      await client.connect();
      return;
    } catch (error) {
      if (attempt === 100) throw error;
      await sleep(100);
    } finally {
      await client.end().catch(() => undefined);
    }
  }
}
