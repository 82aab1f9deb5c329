import { existsSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const ROOT_OF_DEBIAN = '/usr/lib/postgresql';

/** Where a program is on the PATH; undefined where it is missing. */
export function findProgram(name: string): string | undefined {
  return (process.env['PATH'] ?? '').split(delimiter).find((directory) => existsSync(join(directory, name)));
}

/** The directory of `pg_dump`: PG_BIN, that of the newest version that Debian has installed, or one on the PATH. */
export function postgresPrograms(): string | undefined {
  const versions = existsSync(ROOT_OF_DEBIAN) ? readdirSync(ROOT_OF_DEBIAN) : [];
  const newest = versions.sort((a, b) => Number(b) - Number(a)).map((version) => join(ROOT_OF_DEBIAN, version, 'bin'));
  const places = [process.env['PG_BIN'] ?? '', ...newest, findProgram('pg_dump') ?? ''];
  return places.find((place) => place !== '' && existsSync(join(place, 'pg_dump')));
}
