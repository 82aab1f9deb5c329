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

/** Path of an inbox in memory, for tests. */
export const IN_MEMORY = ':memory:';

/** Network file systems by the numbers of Linux's `statfs(2)`. On other systems none matches. */
const NETWORK: Readonly<Record<number, string>> = {
  0x6969: 'NFS',
  0xff534d42: 'CIFS',
  0xfe534d42: 'SMB2',
  0x517b: 'SMB',
  0x01021997: '9p',
};
/** Temporary file systems by the same numbers. */
const TEMPORARY: Readonly<Record<number, string>> = {
  0x01021994: 'tmpfs',
  0x794c7630: "a container's overlay",
};

/**
 * Returns the absolute path of an inbox, and creates its directory. Rejects network disks, on which SQLite's locks do
 * not work (https://sqlite.org/wal.html), and warns about disks that are lost with the container.
 */
export function prepareSqliteFile(path: string, logger: Logger): string {
  if (path === IN_MEMORY) return path;
  if (typeof path !== 'string' || path === '' || path.includes('\0')) {
    throw new ConfigurationError('sqliteInbox.path', 'expected the path of a file, such as "runhooks.db"');
  }
  const file = resolve(path);
  const directory = dirname(file);
  const type = fileSystemOf(directory);
  if (type in NETWORK) {
    throw new ConfigurationError(
      'sqliteInbox.path',
      `${file} is on a network disk (${NETWORK[type]}), where SQLite's locks do not work. Use a local disk or a Postgres inbox`,
    );
  }
  if (type in TEMPORARY) {
    logger.warn(
      `Inbox ${file} is on ${TEMPORARY[type]}: it is lost with the container or at a reboot. Mount a volume for it`,
      { code: 'RUNHOOKS_INBOX_ON_TEMPORARY_DISK' },
    );
  }
  return file;
}

/** Creates the directory only if it is missing: Node's permission model may deny that even if it exists. */
function fileSystemOf(directory: string): number {
  try {
    if (!existsSync(directory)) mkdirSync(directory, { recursive: true });
    return statfsSync(directory).type;
  } catch (cause) {
    refuseIfDenied(directory, cause);
    throw new ConfigurationError(
      'sqliteInbox.path',
      `the directory ${directory} does not exist and cannot be created. Create it, or choose another path`,
      {
        cause,
      },
    );
  }
}

/** Throws {@link ConfigurationError} if the permission model of Node or Deno denied the access. */
function refuseIfDenied(directory: string, cause: unknown): void {
  const { code, name } = cause as NodeJS.ErrnoException;
  const all = join(directory, '*');
  const refusal =
    code === 'ERR_ACCESS_DENIED'
      ? `Node's permission model denies access to ${directory}. Start Node with --allow-fs-read=${all} and --allow-fs-write=${all}`
      : name === 'NotCapable' &&
        `Deno denies access to ${directory}. Start Deno with --allow-read=${directory}, --allow-write=${directory} and --allow-sys`;
  if (refusal) throw new ConfigurationError('sqliteInbox.path', refusal, { cause });
}

const FILE_MODES = [SQL_LIMITS.sqliteFileMode, 0o640, 0o660];

/** Returns the option `fileMode`. Throws {@link ConfigurationError} if it is invalid. */
export function resolveFileMode(mode: unknown = SQL_LIMITS.sqliteFileMode): number {
  if (FILE_MODES.includes(mode as number)) return mode as number;
  const found = typeof mode === 'number' ? octal(mode) : JSON.stringify(mode);
  throw new ConfigurationError(
    'sqliteInbox.fileMode',
    `expected one of ${FILE_MODES.map(octal).join(', ')}, got ${found}`,
  );
}

/**
 * Creates a missing file, so that it never has another mode, regardless of the umask. SQLite gives the same mode to the
 * files that it creates beside it. SQLite reports failures when it opens the file, except for those of Node's
 * permission model, which it does not know.
 */
export function makeSqliteFile(file: string, mode: number): void {
  let created: number;
  try {
    created = openSync(file, 'wx', mode);
  } catch (cause) {
    refuseIfDenied(dirname(file), cause);
    return;
  }
  try {
    // The permission model has no fchmod. Most umasks leave the mode unchanged.
    if ((fstatSync(created).mode & 0o777) !== mode) fchmodSync(created, mode);
  } catch (cause) {
    throw new ConfigurationError(
      'sqliteInbox.fileMode',
      `${file} was created, but its mode cannot be set to ${octal(mode)}. Remove the empty file, and start the process with a ` +
        'umask that leaves this mode, for example `umask 007`',
      { cause },
    );
  } finally {
    closeSync(created);
  }
}

/** Warns about existing files that other users may read. Only the operator changes their modes. */
export function warnOfOpenFiles(file: string, mode: number, logger: Logger): void {
  // Windows has no file modes.
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
