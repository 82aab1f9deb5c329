import { mkdirSync, statfsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { ConfigurationError, type Logger } from 'nestjs-runhooks/core';

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
  try {
    mkdirSync(directory, { recursive: true });
  } catch (cause) {
    throw new ConfigurationError('sqliteInbox.path', `the directory ${directory} is not there and cannot be made`, {
      cause,
    });
  }
  const { type } = statfsSync(directory);
  if (type in NETWORK) {
    throw new ConfigurationError(
      'sqliteInbox.path',
      `${file} is on a network disk (${NETWORK[type]}), where SQLite's locks do not hold; use a local disk, or a Postgres inbox`,
    );
  }
  if (type in PASSING) {
    logger.warn(
      `the inbox ${file} is on ${PASSING[type]}: it is lost with the container or at a reboot; mount a volume for it`,
    );
  }
  return file;
}
