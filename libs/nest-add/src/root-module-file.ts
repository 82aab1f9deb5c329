import { posix } from 'node:path';
import { maskCode } from './code-mask.js';
import { importStatements } from './import-statements.js';
import { textOf, type Tree } from './schematic.js';

/** The file of the app's root module, and its class name if `main.ts` contains it. */
export interface RootModule {
  readonly path: string;
  readonly className?: string;
}

const CREATES = /\bNestFactory\s*\.\s*create\w*\s*(?:<[^()]*?>\s*)?\(\s*([\w$]+)/g;

/** Finds the module that `main.ts` starts; if that is unclear, `app.module.ts`. */
export function findRootModule(tree: Tree, sourceRoot: string): RootModule | undefined {
  const started = startedModule(tree, sourceRoot);
  if (started) return started;
  const path = posix.join(sourceRoot, 'app.module.ts');
  return tree.exists(path) ? { path } : undefined;
}

function startedModule(tree: Tree, sourceRoot: string): RootModule | undefined {
  const text = textOf(tree, posix.join(sourceRoot, 'main.ts')) ?? '';
  const mask = maskCode(text) ?? '';
  const [name, other] = new Set([...mask.matchAll(CREATES)].map((match) => match[1] ?? ''));
  if (!name || other !== undefined) return undefined;
  for (const { clause, specifier } of importStatements(text, mask) ?? []) {
    const named = new RegExp(
      `(?:([\\w$]+)\\s+as\\s+)?(?<![\\w$])${name.replaceAll('$', '\\$')}(?![\\w$])\\s*[,}]`,
    ).exec(clause);
    if (!named || !specifier.startsWith('.')) continue;
    const path = posix.join(sourceRoot, `${specifier.replace(/\.[jt]s$/, '')}.ts`);
    return tree.exists(path) ? { path, className: named[1] ?? name } : undefined;
  }
  return undefined;
}
