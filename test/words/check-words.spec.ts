import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

const SCRIPT = join(import.meta.dirname, 'check-words.mjs');
let directory = '';

/** Runs the script in the directory; resolves with its exit code and the lines of its output. */
function check(...paths: string[]): Promise<{ code: number | string | null | undefined; lines: string[] }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [SCRIPT, ...paths], { cwd: directory }, (error, stdout) =>
      resolve({ code: error ? error.code : 0, lines: stdout.trimEnd().split('\n') }),
    );
  });
}

function write(file: string, text: string): void {
  mkdirSync(dirname(join(directory, file)), { recursive: true });
  writeFileSync(join(directory, file), text);
}

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'runhooks-words-'));
  for (const folder of ['docs', 'libs', 'test', 'apps', 'bench']) mkdirSync(join(directory, folder));
});

afterEach(() => rmSync(directory, { recursive: true }));

describe('check:words', () => {
  it('finds words in pages, comments, messages and titles, by file and line', async () => {
    write('README.md', '# Title\n\nThe sender is told in\nplace of nobody.\n');
    write(
      'libs/core/src/a.ts',
      '/** What it is. */\n// for\n// ever\nthrow new Error(`it is there ${1} meanwhile on`);\n',
    );
    write('test/a.spec.ts', "describe.each([1])('boot of %s', () => {\n  it('tells', () => {});\n});\n");
    const { code, lines } = await check();
    expect(code).toBe(1);
    expect(lines.map((line) => line.split(': ').slice(0, 2).join(' '))).toEqual([
      'libs/core/src/a.ts:1 "/** What"',
      'libs/core/src/a.ts:2 "for // ever"',
      'libs/core/src/a.ts:4 "meanwhile"',
      'libs/core/src/a.ts:4 "is there"',
      'README.md:3 "told"',
      'README.md:3 "in place of"',
      'README.md:4 "nobody"',
      'test/a.spec.ts:1 "boot"',
      'test/a.spec.ts:2 "tells"',
      'libs/core 4',
      '. 3',
      'test 2',
      '3 files, 9 words to replace',
    ]);
  });

  it('ignores code, fenced blocks, and comments outside libs', async () => {
    write('docs/a.md', '```ts\nconst nobody = 1;\n```\n');
    write('libs/core/src/a.ts', "import { told } from 'boot';\nexport const nobody = told('boot');\n");
    write('test/a.spec.ts', '// nobody\n');
    expect(await check()).toEqual({ code: 0, lines: ['3 files, 0 words to replace'] });
  });

  it('checks only the files and folders it was given', async () => {
    write('docs/a.md', 'nobody\n');
    write('docs/adr/b.md', 'nobody\n');
    expect((await check('docs/adr')).lines.at(-1)).toBe('1 files, 1 words to replace');
  });
});
