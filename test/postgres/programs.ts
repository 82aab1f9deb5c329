import { existsSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const ROOT_OF_DEBIAN = '/usr/lib/postgresql';

/** Returns the location of a program on the PATH, or undefined if it is missing. */
export function findProgram(name: string): string | undefined {
  return (process.env['PATH'] ?? '').split(delimiter).find((directory) => existsSync(join(directory, name)));
}

/**
 * Returns the directory of `pg_dump`: PG_BIN, the newest version that Debian has installed, or a directory on the PATH.
 */
export function postgresPrograms(): string | undefined {
  const versions = existsSync(ROOT_OF_DEBIAN) ? readdirSync(ROOT_OF_DEBIAN) : [];
  const newest = versions.sort((a, b) => Number(b) - Number(a)).map((version) => join(ROOT_OF_DEBIAN, version, 'bin'));
  const directories = [process.env['PG_BIN'] ?? '', ...newest, findProgram('pg_dump') ?? ''];
  return directories.find((directory) => directory !== '' && existsSync(join(directory, 'pg_dump')));
}
