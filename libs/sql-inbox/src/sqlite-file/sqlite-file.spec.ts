import { existsSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { isAbsolute, join, relative } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ConfigurationError, type Logger } from 'nestjs-runhooks/core';
import { IN_MEMORY, prepareSqliteFile } from './sqlite-file.js';

const lines: string[] = [];
const note = (line: string) => void lines.push(line);
const logger: Logger = { debug: note, log: note, warn: note, error: note };

let directory: string;

beforeEach(() => {
  lines.length = 0;
  directory = mkdtempSync(join(tmpdir(), 'runhooks-file-'));
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

describe('prepareSqliteFile', () => {
  it('returns the name of a database in memory', () => {
    expect(prepareSqliteFile(IN_MEMORY, logger)).toBe(':memory:');
    expect(lines).toEqual([]);
  });

  it('returns the absolute path, and creates the directories but no file', () => {
    const path = join(directory, 'a', 'b', 'inbox.db');
    const file = prepareSqliteFile(relative(process.cwd(), path), logger);
    expect(file).toBe(path);
    expect(isAbsolute(file)).toBe(true);
    expect([existsSync(join(directory, 'a', 'b')), existsSync(file)]).toEqual([true, false]);
  });

  it('treats every string as a path', () => {
    for (const name of ['file:inbox.db?mode=memory', 'inbox.db?cache=shared', ' inbox.db', ':memory: ', "it's.db"]) {
      expect(prepareSqliteFile(join(directory, name), logger)).toBe(join(directory, name));
    }
  });

  it.each(['', 'inbox\0.db', undefined, null, 5, {}, ['inbox.db']])(
    'throws with the option for the path %j',
    (path) => {
      const prepare = () => prepareSqliteFile(path as string, logger);
      expect(prepare).toThrow(ConfigurationError);
      expect(prepare).toThrow(/^sqliteInbox\.path: /);
    },
  );

  it('throws with the path if its parent is not a directory', () => {
    writeFileSync(join(directory, 'file'), '');
    const prepare = () => prepareSqliteFile(join(directory, 'file', 'sub', 'inbox.db'), logger);
    expect(prepare).toThrow(ConfigurationError);
    expect(prepare).toThrow(join(directory, 'file', 'sub'));
  });

  const TMPFS = 0x01021994;
  const volatile = existsSync('/dev/shm') && statfsSync('/dev/shm').type === TMPFS ? '/dev/shm' : undefined;

  it('warns if the file is lost at a reboot, where this machine has a tmpfs', () => {
    if (volatile === undefined) return;
    const own = mkdtempSync(join(volatile, 'runhooks-file-'));
    try {
      prepareSqliteFile(join(own, 'inbox.db'), logger);
    } finally {
      rmSync(own, { recursive: true });
    }
    expect(lines).toEqual([expect.stringMatching(/inbox\.db is on tmpfs.*volume/)]);
  });

  it('does not warn about a file on a disk', () => {
    const passing = [TMPFS, 0x794c7630].includes(statfsSync(directory).type);
    prepareSqliteFile(join(directory, 'inbox.db'), logger);
    expect(lines).toHaveLength(passing ? 1 : 0);
  });
});
