import { posix } from 'node:path';
import { maskCode } from './code-mask.js';
import { importStatements } from './import-statements.js';
import { jsonOf, textOf, type Tree } from './schematic.js';

/** Facts about the app that the generated files depend on. */
export interface HostApp {
  /** Name of the app in a monorepo. */
  readonly project: string | undefined;
  /** End of a relative import: `.js` in ESM apps, nothing in most CommonJS apps. */
  readonly importEnd: '' | '.js' | '.ts';
  /** Source of the test runner's functions, or `undefined` without a known runner; then no test is written. */
  readonly testImport: 'globals' | '@jest/globals' | 'vitest' | undefined;
  readonly fastifyOnly: boolean;
  readonly packages: ReadonlySet<string>;
  readonly packageManager: 'npm' | 'pnpm' | 'yarn' | 'bun';
}

interface Manifest {
  readonly type?: string;
  readonly scripts?: Readonly<Record<string, string>>;
  readonly dependencies?: object;
  readonly devDependencies?: object;
}

/** Reads `package.json`, and `codeFiles` for the way in which the app writes its relative imports. */
export function readHostApp(tree: Tree, codeFiles: readonly string[], project: string | undefined): HostApp {
  const manifest = manifestOf(tree);
  const packages = new Set(Object.keys({ ...manifest.dependencies, ...manifest.devDependencies }));
  return {
    project,
    importEnd: importEndOf(tree, codeFiles) ?? (manifest.type === 'module' ? '.js' : ''),
    testImport: packages.has('@nestjs/testing') ? testImportOf(packages, manifest.scripts?.['test']) : undefined,
    fastifyOnly: packages.has('@nestjs/platform-fastify') && !packages.has('@nestjs/platform-express'),
    packages,
    packageManager: packageManagerOf(tree),
  };
}

function manifestOf(tree: Tree): Manifest {
  const manifest = jsonOf(tree, 'package.json');
  if (manifest === undefined)
    throw new Error('package.json: expected a file in this folder, found none. Run nest add in the folder of the app');
  return manifest as Manifest;
}

function importEndOf(tree: Tree, files: readonly string[]): HostApp['importEnd'] | undefined {
  for (const file of files) {
    const text = textOf(tree, file) ?? '';
    const statements = importStatements(text, maskCode(text) ?? '') ?? [];
    const relative = statements.find(({ specifier }) => /^\.{1,2}\//.test(specifier));
    if (relative) return (/\.[jt]s$/.exec(relative.specifier)?.[0] as '.js' | '.ts' | undefined) ?? '';
  }
  return undefined;
}

function testImportOf(packages: ReadonlySet<string>, script = ''): HostApp['testImport'] {
  const [jest, vitest] = [packages.has('jest'), packages.has('vitest')];
  if (vitest && (!jest || script.includes('vitest'))) return 'vitest';
  if (!jest) return undefined;
  return packages.has('@jest/globals') && !packages.has('@types/jest') ? '@jest/globals' : 'globals';
}

function packageManagerOf(tree: Tree): HostApp['packageManager'] {
  const lockFiles = { 'pnpm-lock.yaml': 'pnpm', 'yarn.lock': 'yarn', 'bun.lock': 'bun', 'bun.lockb': 'bun' } as const;
  const found = Object.entries(lockFiles).find(([file]) => tree.exists(file));
  return found?.[1] ?? 'npm';
}

/** Returns the specifier with which the file `from` imports the TypeScript file `to`. */
export function specifierOf(from: string, to: string, importEnd: HostApp['importEnd']): string {
  const path = posix.relative(posix.dirname(from), to).replace(/\.ts$/, importEnd);
  return path.startsWith('.') ? path : `./${path}`;
}
