import { readFileSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';

/** The path is relative to dist/bench. */
const ROOT = new URL('../../', import.meta.url);

const PACKAGES = [
  '@nestjs/core',
  '@nestjs/platform-fastify',
  '@nestjs/platform-express',
  '@nestjs/event-emitter',
  'fastify',
  'express',
  'class-validator',
  '@octokit/webhooks',
  '@golevelup/nestjs-stripe',
  'stripe',
  'better-sqlite3',
  'pg',
  'pg-boss',
  'graphile-worker',
  'bullmq',
  'ioredis',
  'autocannon',
];

/** The properties of the machine on which the figures depend. */
export interface Machine {
  readonly cores: number;
  readonly memoryGb: number;
  readonly node: string;
  readonly sqlite: string;
  readonly packages: Readonly<Record<string, string>>;
}

export function machine(): Machine {
  const builtIn = process.getBuiltinModule('node:sqlite') !== undefined;
  return {
    cores: availableParallelism(),
    memoryGb: Math.round(totalmem() / 2 ** 30),
    node: process.version,
    sqlite: builtIn ? `node:sqlite (SQLite ${process.versions['sqlite']})` : 'better-sqlite3',
    packages: Object.fromEntries(PACKAGES.flatMap((name) => versionOf(name))),
  };
}

/** Returns no entry for a package that is not installed. */
function versionOf(name: string): [string, string][] {
  try {
    const text = readFileSync(new URL(`node_modules/${name}/package.json`, ROOT), 'utf8');
    return [[name, (JSON.parse(text) as { version: string }).version]];
  } catch {
    return [];
  }
}
