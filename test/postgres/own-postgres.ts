import { execFile, type ExecFileOptions } from 'node:child_process';
import { accessSync, chmodSync, chownSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const ROOT_OF_DEBIAN = '/usr/lib/postgresql';

/** Returns the directory of initdb and pg_ctl: PG_BIN, or the newest version that Debian has installed. */
function findBin(): string | undefined {
  try {
    const bin = process.env['PG_BIN'] ?? join(ROOT_OF_DEBIAN, newestVersion(), 'bin');
    accessSync(join(bin, 'initdb'));
    return bin;
  } catch {
    return undefined;
  }
}

function newestVersion(): string {
  return readdirSync(ROOT_OF_DEBIAN).sort((a, b) => Number(b) - Number(a))[0] ?? '';
}

/** Returns why no server can be started here, or undefined if one can. */
export function absenceOfPostgres(): string | undefined {
  return findBin() === undefined ? `no initdb below ${ROOT_OF_DEBIAN} (PG_BIN)` : undefined;
}

/** Returns a free port. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** A server for one test, which can be stopped in every way. */
export class OwnPostgres {
  readonly #directory: string;
  readonly port: number;

  private constructor(directory: string, port: number) {
    this.#directory = directory;
    this.port = port;
  }

  static async start(): Promise<OwnPostgres> {
    const directory = mkdtempSync(join(tmpdir(), 'runhooks-postgres-'));
    if (process.getuid?.() === 0) {
      const { stdout } = await run('id', ['-u', 'postgres']);
      chownSync(directory, Number(stdout), -1);
    }
    chmodSync(directory, 0o700);
    const server = new OwnPostgres(directory, await freePort());
    try {
      await server.#run('initdb', '-A', 'trust', '-U', 'postgres', '-E', 'UTF8', '--no-sync', '-D', server.#data);
      await server.start();
      return server;
    } catch (error) {
      await server.remove();
      throw error;
    }
  }

  get url(): string {
    return `postgres://postgres@127.0.0.1:${this.port}/postgres`;
  }

  /** Starts the server. A `standby` is read-only until {@link promote}, like the old primary after a failover. */
  async start(as: 'primary' | 'standby' = 'primary'): Promise<void> {
    if (as === 'standby') writeFileSync(join(this.#data, 'standby.signal'), '', { mode: 0o666 });
    const options = `-p ${this.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories=${this.#directory}`;
    await this.#run('pg_ctl', '-D', this.#data, '-o', options, '-l', join(this.#directory, 'log'), '-w', 'start');
  }

  async promote(): Promise<void> {
    await this.#run('pg_ctl', '-D', this.#data, '-w', 'promote');
  }

  /** Stops the server. `immediate` simulates a power failure. */
  async stop(mode: 'fast' | 'immediate'): Promise<void> {
    await this.#run('pg_ctl', '-D', this.#data, '-m', mode, '-w', 'stop');
  }

  async remove(): Promise<void> {
    await this.stop('immediate').catch(() => undefined);
    rmSync(this.#directory, { recursive: true, force: true });
  }

  get #data(): string {
    return join(this.#directory, 'data');
  }

  /** Runs a command as a user that PostgreSQL accepts, because it refuses to be run by root. */
  async #run(command: string, ...args: string[]): Promise<void> {
    const options: ExecFileOptions = { cwd: this.#directory, timeout: 60_000 };
    const file = join(findBin() ?? '', command);
    if (statSync(this.#directory).uid === process.getuid?.()) await run(file, args, options);
    else await run('runuser', ['-u', 'postgres', '--', file, ...args], options);
  }
}
