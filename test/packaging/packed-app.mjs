// A small Nest app in its own folder, with the packed tarball installed.
import { execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';

export const repo = join(import.meta.dirname, '../..');
const { devDependencies } = JSON.parse(await readFile(join(repo, 'package.json'), 'utf8'));
const execFileAsync = promisify(execFile);

const COMMAND_MS_MAX = 300_000;
const LINE_MS_MAX = 30_000;
/** If the runtime has SQLite, better-sqlite3 is left out, which proves that it is optional. */
export const needsSqliteDriver = process.getBuiltinModule?.('node:sqlite') === undefined;

/** Runs a command to its end and returns its output. An error contains the output. */
export async function command(cwd, file, ...args) {
  try {
    const options = { cwd, timeout: COMMAND_MS_MAX, maxBuffer: 64 * 2 ** 20 };
    return (await execFileAsync(file, args, options)).stdout;
  } catch (error) {
    throw new Error(`${file} ${args.join(' ')}\n${error.stdout ?? ''}${error.stderr ?? error}`, { cause: error });
  }
}

/** Returns the packages of an app with the tarball; `dependencies` are exact versions. */
export function dependenciesOf(dependencies, tarball) {
  return {
    ...(needsSqliteDriver && { 'better-sqlite3': devDependencies['better-sqlite3'] }),
    ...dependencies,
    '@types/node': devDependencies['@types/node'],
    'nestjs-runhooks': `file:${tarball}`,
  };
}

/** Installs an app. `type` is its module format; `dependencies` are exact versions. */
export async function install(cwd, { type, dependencies }, tarball) {
  await mkdir(cwd);
  const manifest = { private: true, type, dependencies: dependenciesOf(dependencies, tarball) };
  await writeFile(join(cwd, 'package.json'), JSON.stringify(manifest));
  await command(
    cwd,
    'npm',
    'install',
    '--prefer-offline',
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    '--no-package-lock',
  );
  // An app's own version stays as it was installed.
  if (!dependencies['better-sqlite3']) await addSqliteBinary(join(cwd, 'node_modules/better-sqlite3'));
}

/** Copies the driver that the repository has compiled, because compiling takes longer than all other steps. */
export async function addSqliteBinary(folder) {
  const binary = 'build/Release/better_sqlite3.node';
  if (needsSqliteDriver) await cp(join(repo, 'node_modules/better-sqlite3', binary), join(folder, binary));
}

/** The options of `nest new` of @nestjs/schematics 11.0.0. */
export const NEST_11_OPTIONS = {
  module: 'commonjs',
  declaration: true,
  removeComments: true,
  emitDecoratorMetadata: true,
  experimentalDecorators: true,
  allowSyntheticDefaultImports: true,
  target: 'ES2021',
  sourceMap: true,
  outDir: './dist',
  baseUrl: './',
  incremental: true,
  skipLibCheck: true,
  strictNullChecks: true,
  forceConsistentCasingInFileNames: true,
  noImplicitAny: true,
  strictBindCallApply: true,
  noFallthroughCasesInSwitch: true,
};

/** The options of a strict TypeScript user. */
export const STRICT = {
  target: 'es2022',
  module: 'nodenext',
  strict: true,
  experimentalDecorators: true,
  emitDecoratorMetadata: true,
  types: ['node'],
  rootDir: 'src',
  outDir: 'dist',
};

/** Compiles the app with declaration files, using its own TypeScript or else the repository's. */
export async function compile(cwd, files, compilerOptions = STRICT) {
  await cp(join(import.meta.dirname, 'app'), join(cwd, 'src'), { recursive: true });
  await writeFile(join(cwd, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: files.map((f) => `src/${f}`) }));
  const own = join(cwd, 'node_modules/typescript/bin/tsc');
  const tsc = existsSync(own) ? own : join(repo, 'node_modules/typescript/bin/tsc');
  await command(cwd, process.execPath, tsc, '-p', '.');
}

/**
 * Starts a compiled file, by default with this Node. `line(word)` waits for an output line that begins with the word
 * and returns the rest; `logged(text)` waits for a line that contains the text and returns it.
 */
export function start(cwd, file, env, [program, ...args] = [process.execPath]) {
  const options = { cwd, env: { ...process.env, NO_COLOR: '1', ...env } };
  const child = spawn(program, [...args, join('dist', file)], options);
  const lines = [];
  const looks = new Set();
  const exited = new Promise((resolve) => child.once('close', resolve));
  for (const input of [child.stdout, child.stderr]) {
    createInterface({ input }).on('line', (text) => {
      lines.push(text);
      for (const look of looks) look();
    });
  }
  const output = () => lines.join('\n');
  const first = (wanted, fits) =>
    new Promise((resolve, reject) => {
      const fail = (why) => reject(new Error(`${why} before a line "${wanted}":\n${output()}`));
      const timer = setTimeout(fail, LINE_MS_MAX, `${LINE_MS_MAX} ms passed`);
      const look = () => {
        const found = lines.find(fits);
        if (found === undefined) return;
        clearTimeout(timer);
        looks.delete(look);
        resolve(found);
      };
      looks.add(look);
      look();
      void exited.then((code) => {
        clearTimeout(timer);
        fail(`the app ended with ${code}`);
      });
    });
  const line = async (word) => {
    const found = await first(`${word} …`, (text) => text.startsWith(`${word} `));
    return found.slice(word.length + 1);
  };
  const logged = (part) => first(`… ${part} …`, (text) => text.includes(part));
  return { child, exited, line, logged, output };
}
