import { describe, expect, it } from '@jest/globals';
import { loadsBetterSqlite3, wayToBetterSqlite3, wayToNodeSqlite, type SqliteRuntime } from './sqlite-runtime.js';

const NODE_20: SqliteRuntime = { versions: { node: '20.19.0', napi: '9' }, options: [], hasNodeSqlite: false };
const NODE_24: SqliteRuntime = { versions: { node: '24.1.0', napi: '10' }, options: [], hasNodeSqlite: true };
const BUN: SqliteRuntime = { ...NODE_20, versions: { node: '22.6.0', bun: '1.3.2', napi: '9' } };

describe('wayToNodeSqlite', () => {
  it.each([
    ['on a Node that is too old, names the version that has it', NODE_20, /22\.13 or newer \(this is 20\.19\.0\)/],
    ['on a Node that has it, names the driver', NODE_24, /'node:sqlite', which this runtime has/],
    ['on Bun, names the version of Bun that has it', BUN, /Bun 1\.4 or newer \(this is 1\.3\.2\)/],
    [
      'where an option switched it off, names the option and not the version of Node',
      { ...NODE_24, hasNodeSqlite: false, options: ['--no-experimental-sqlite'] },
      /without --no-experimental-sqlite .*NODE_OPTIONS/,
    ],
  ])('returns the remedy %s', (_, runtime, advice) => {
    expect(wayToNodeSqlite(runtime)).toMatch(advice);
  });

  it('never loads better-sqlite3 on Bun, because it would end the process', () => {
    expect([BUN, NODE_20, NODE_24].map(loadsBetterSqlite3)).toEqual([false, true, true]);
  });
});

describe('wayToBetterSqlite3', () => {
  const notFound = (message: string) => Object.assign(new Error(message), { code: 'ERR_MODULE_NOT_FOUND' });

  it.each([
    ['that is missing on Node 20: version 12', NODE_20, notFound("Cannot find package 'better-sqlite3'"), /@12`/],
    ['that is missing on Node 24: version 13', NODE_24, notFound("Cannot find package 'better-sqlite3'"), /@13`/],
    [
      'whose install script was skipped: the setting of each package manager, and how to run the script then',
      NODE_20,
      new Error('Could not locate the bindings file. Tried: …/better_sqlite3.node'),
      /^it is installed, .*"allowScripts".*npm rebuild.*pnpm approve-builds.*dependenciesMeta.*yarn install/,
    ],
    [
      'that was compiled for another Node: to compile it again',
      NODE_20,
      new Error('was compiled against a different Node.js version using NODE_MODULE_VERSION 127'),
      /npm rebuild better-sqlite3/,
    ],
    ['for any other reason: both', NODE_20, new Error('no memory'), /npm install .*npm rebuild/],
  ])('returns the remedy %s', (_, runtime, thrown, advice) => {
    expect(wayToBetterSqlite3(runtime, thrown)).toMatch(advice);
  });
});
