import {
  closeSync,
  existsSync,
  fchmodSync,
  fstatSync,
  mkdirSync,
  openSync,
  realpathSync,
  statfsSync,
  statSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { ConfigurationError, type Logger } from 'nestjs-runhooks/core';
import { SQL_LIMITS } from '../limits.js';

/** Kept in memory: for tests. */
export const IN_MEMORY = ':memory:';

/** File systems by the numbers of Linux's `statfs(2)`. Elsewhere none of them matches, and nothing is said. */
const NETWORK: Readonly<Record<number, string>> = {
  0x6969: 'NFS',
  0xff534d42: 'CIFS',
  0xfe534d42: 'SMB2',
  0x517b: 'SMB',
  0x01021997: '9p',
};
const PASSING: Readonly<Record<number, string>> = {
  0x01021994: 'tmpfs',
  0x794c7630: "a container's overlay",
};

/**
 * The absolute path of an inbox; makes its directory. SQLite's locks do not hold on network disks, so those are
 * refused (https://sqlite.org/wal.html); what is gone with the container gets a warning.
 */
export function prepareSqliteFile(path: string, logger: Logger): string {
  if (path === IN_MEMORY) return path;
  if (typeof path !== 'string' || path === '' || path.includes('\0')) {
    throw new ConfigurationError('sqliteInbox.path', 'expected the path of a file, for example "runhooks.db"');
  }
  const file = resolve(path);
  const directory = dirname(file);
  const type = fileSystemOf(directory);
  if (type in NETWORK) {
    throw new ConfigurationError(
      'sqliteInbox.path',
      `${file} is on a network disk (${NETWORK[type]}), where SQLite's locks do not hold; use a local disk, or a Postgres inbox`,
    );
  }
  if (type in PASSING) {
    logger.warn(
      `Inbox ${file} is on ${PASSING[type]}: it is lost with the container or at a reboot. Mount a volume for it`,
      { code: 'RUNHOOKS_INBOX_ON_TEMPORARY_DISK' },
    );
  }
  return file;
}

/** Makes the directory only if it is missing: Node's permission model may refuse that also where it exists. */
function fileSystemOf(directory: string): number {
  try {
    if (!existsSync(directory)) mkdirSync(directory, { recursive: true });
    return statfsSync(directory).type;
  } catch (cause) {
    refuseIfDenied(directory, cause);
    throw new ConfigurationError('sqliteInbox.path', `the directory ${directory} is not there and cannot be made`, {
      cause,
    });
  }
}

/** Throws {@link ConfigurationError} if the permission model of Node or of Deno refused the access. */
function refuseIfDenied(directory: string, cause: unknown): void {
  const { code, name } = cause as NodeJS.ErrnoException;
  const all = join(directory, '*');
  const refusal =
    code === 'ERR_ACCESS_DENIED'
      ? `Node's permission model refuses the access to ${directory}; start Node with --allow-fs-read=${all} and --allow-fs-write=${all}`
      : name === 'NotCapable' &&
        `Deno refuses the access to ${directory}; start Deno with --allow-read=${directory}, --allow-write=${directory} and --allow-sys`;
  if (refusal) throw new ConfigurationError('sqliteInbox.path', refusal, { cause });
}

const FILE_MODES = [SQL_LIMITS.sqliteFileMode, 0o640, 0o660];

/** Checks the option `fileMode`. */
export function resolveFileMode(mode: unknown = SQL_LIMITS.sqliteFileMode): number {
  if (FILE_MODES.includes(mode as number)) return mode as number;
  const found = typeof mode === 'number' ? octal(mode) : JSON.stringify(mode);
  throw new ConfigurationError(
    'sqliteInbox.fileMode',
    `found ${found}; expected one of ${FILE_MODES.map(octal).join(', ')}`,
  );
}

/**
 * Makes the file if it is missing, so that it never has another mode, whatever the process's umask is. SQLite gives its
 * mode to the files that it makes beside it. Leaves failures to SQLite, which is about to open it; but not those of
 * Node's permission model, which SQLite does not ask.
 */
export function makeSqliteFile(file: string, mode: number): void {
  let made: number;
  try {
    made = openSync(file, 'wx', mode);
  } catch (cause) {
    refuseIfDenied(dirname(file), cause);
    return;
  }
  try {
    // Under the permission model there is no fchmod; most umasks leave the mode as it is.
    if ((fstatSync(made).mode & 0o777) !== mode) fchmodSync(made, mode);
  } catch (cause) {
    throw new ConfigurationError(
      'sqliteInbox.fileMode',
      `${file} was made, but cannot be given the mode ${octal(mode)}; remove the empty file, and start the process with a ` +
        'umask that leaves this mode, for example `umask 007`',
      { cause },
    );
  } finally {
    closeSync(made);
  }
}

/** Warns of files that were there before and that others may read. Their modes are left to the operator. */
export function warnOfOpenFiles(file: string, mode: number, logger: Logger): void {
  // Windows has no such modes.
  if (process.platform === 'win32') return;
  const real = realpathSync(file);
  const open = [real, `${real}-wal`, `${real}-shm`].filter((path) => {
    const stats = statSync(path, { throwIfNoEntry: false });
    return stats !== undefined && (stats.mode & 0o077 & ~mode) !== 0;
  });
  if (open.length === 0) return;
  logger.warn(
    `Inbox ${file} can be read by other users of this host, and it contains whole webhooks. ` +
      `Run \`chmod ${mode.toString(8)} ${open.join(' ')}\`${mode === SQL_LIMITS.sqliteFileMode ? ', or set `fileMode` if its group may read it' : ''}`,
    { code: 'RUNHOOKS_INBOX_READABLE_BY_OTHERS' },
  );
}

function octal(mode: number): string {
  return `0o${mode.toString(8)}`;
}
