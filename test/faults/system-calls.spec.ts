import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from '@jest/globals';
import { openStore, quickDirectory } from '../model/sqlite-files.js';
import { Sender } from './sender.js';

const preload = fileURLToPath(new URL('preload/', import.meta.url));
const directory = quickDirectory();
const library = join(directory, 'fault.so');

/** Returns why system calls cannot be made to fail here, or undefined if they can. */
function absence(): string | undefined {
  if (process.platform !== 'linux') return 'LD_PRELOAD is for Linux';
  const { status, error } = spawnSync('gcc', ['-shared', '-fPIC', '-o', library, join(preload, 'fault.c'), '-ldl']);
  if (error) return 'there is no gcc';
  return status === 0 ? undefined : 'gcc could not compile the library';
}

describe('an SQLite inbox, on the default driver,', () => {
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  const reason = absence();
  if (reason !== undefined) {
    it.skip(`is not tested with failing system calls: ${reason}`, () => undefined);
    return;
  }

  it.each([
    { what: 'a failing fsync (EIO)', call: 'sync', errno: 5, reason: /I\/O error/ },
    { what: 'a failing write (EIO)', call: 'write', errno: 5, reason: /I\/O error/ },
    { what: 'a write without room (ENOSPC)', call: 'write', errno: 28, reason: /disk is full/ },
  ])(
    'rejects writes after $what, resumes once it works, and has lost nothing when killed',
    async ({ call, errno, reason }) => {
      const file = join(directory, `${call}-${errno}.db`);
      const during = join(directory, `${call}-${errno}`);
      const { stdout, stderr, signal } = spawnSync(
        process.execPath,
        ['--import', join(preload, 'typescript.mjs'), join(preload, 'child.ts'), file, during],
        {
          encoding: 'utf8',
          env: {
            ...process.env,
            NODE_OPTIONS: '',
            LD_PRELOAD: library,
            FAULT_CALL: call,
            FAULT_ERRNO: `${errno}`,
            FAULT_FILE: '.db-wal',
            FAULT_WHILE: during,
          },
        },
      );
      expect({ signal, stderr }).toEqual({ signal: 'SIGKILL', stderr: expect.not.stringMatching(/Error/) });
      const { refusals, acknowledged } = JSON.parse(stdout) as { refusals: string[]; acknowledged: string[] };
      expect(refusals).toEqual(Array.from({ length: 4 }, () => expect.stringMatching(reason)));
      expect(acknowledged.length).toBe(80);
      const store = await openStore(file);
      const sender = new Sender('after the kill');
      for (const id of acknowledged) sender.acknowledged.add(id);
      await sender.expectRecovery(store);
      await store.close();
    },
  );
});
