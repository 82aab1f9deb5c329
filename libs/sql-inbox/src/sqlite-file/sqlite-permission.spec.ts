import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { transformSync } from '@swc/core';

const LIBS = join(import.meta.dirname, '../../..');
/** The name that Node 20 has for it. */
const FLAG = process.allowedNodeEnvironmentFlags.has('--permission') ? '--permission' : '--experimental-permission';

let root: string;
let code: string;
let data: string;

beforeAll(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'runhooks-permission-')));
  code = join(root, 'code');
  mkdirSync(code);
  const jsc = { target: 'es2022', parser: { syntax: 'typescript' } } as const;
  for (const [file, name = basename(file)] of [
    ['core/src/errors'],
    ['core/src/one-line'],
    ['core/src/limits'],
    ['sql-inbox/src/limits', 'sql-limits'],
    ['sql-inbox/src/sqlite-file/sqlite-file'],
  ] as const) {
    const { code: text } = transformSync(readFileSync(join(LIBS, `${file}.ts`), 'utf8'), { jsc });
    const linked = text
      .replaceAll('nestjs-runhooks/core', './core.js')
      .replace(/'(?:\.\.\/)+limits\.js'/g, "'./sql-limits.js'");
    writeFileSync(join(code, `${name}.js`), linked);
  }
  writeFileSync(join(code, 'package.json'), '{ "type": "module" }');
  writeFileSync(join(code, 'core.js'), "export * from './errors.js'; export * from './limits.js';");
  writeFileSync(
    join(code, 'main.js'),
    `import { makeSqliteFile, prepareSqliteFile } from './sqlite-file.js';
     const [path, mode] = process.argv.slice(2);
     try {
       makeSqliteFile(prepareSqliteFile(path, { warn() {} }), Number(mode));
       console.log('made');
     } catch (error) { console.log(error.message); }`,
  );
});

afterAll(() => rmSync(root, { recursive: true, force: true }));

beforeEach(() => {
  data = mkdtempSync(join(root, 'data-'));
});

function make(allowed: readonly string[], path: string, { mode = 0o600, umask = '022' } = {}): string {
  const flags = [FLAG, `--allow-fs-read=${join(code, '*')}`, ...allowed, join(code, 'main.js'), path, String(mode)];
  const shell = `umask ${umask} && exec "$0" "$@"`;
  return execFileSync('sh', ['-c', shell, process.execPath, ...flags], { encoding: 'utf8', stdio: 'pipe' }).trim();
}

describe("makeSqliteFile under Node's permission model", () => {
  const read = () => `--allow-fs-read=${join(data, '*')}`;
  const write = () => `--allow-fs-write=${join(data, '*')}`;

  it('creates the file if its directory may be read and written', () => {
    const path = join(data, 'inbox.db');
    expect(make([read(), write()], path)).toBe('made');
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it('creates missing directories if only the content of a directory may be written', () => {
    const path = join(data, 'a', 'b', 'inbox.db');
    expect(make([read(), write()], path)).toBe('made');
    expect(existsSync(path)).toBe(true);
  });

  it.each([
    ['read', () => [write()]],
    ['written', () => [read()]],
  ])('throws with the flags to set if the directory may not be %s', (_, allowed) => {
    const path = join(data, 'inbox.db');
    expect(make(allowed(), path)).toBe(
      `sqliteInbox.path: Node's permission model denies access to ${data}. Start Node with ${read()} and ${write()}`,
    );
    expect(existsSync(path)).toBe(false);
  });

  it('throws with the umask to set if the mode cannot be set', () => {
    const path = join(data, 'inbox.db');
    expect(make([read(), write()], path, { mode: 0o660 })).toMatch(/^sqliteInbox\.fileMode: .*0o660\. .*umask 007/);
    rmSync(path);
    expect(make([read(), write()], path, { mode: 0o660, umask: '007' })).toBe('made');
    expect(statSync(path).mode & 0o777).toBe(0o660);
  });
});
