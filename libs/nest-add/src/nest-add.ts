import { posix } from 'node:path';
import { HANDLER_TEXT, MODULE_CLASS, moduleText, specText, variablesOf } from './generated-files.js';
import { readHostApp, specifierOf, type HostApp } from './host-app.js';
import { ignore, nameVariables } from './line-files.js';
import { checkOptions, type NestAddFlags, type NestAddOptions } from './options.js';
import { findRootModule, type RootModule } from './root-module-file.js';
import { addToRootModule, type Edited } from './root-module-text.js';
import { textOf, type Rule, type SchematicContext, type Tree } from './schematic.js';

/** The schematic that `nest add nestjs-runhooks` runs. It never changes a file that it does not understand. */
export function nestAdd(flags: NestAddFlags): Rule {
  const options = checkOptions(flags);
  return (tree, { logger }) => {
    const main = posix.join(options.sourceRoot, 'main.ts');
    if (tree.exists(main.replace(/ts$/, 'js')) && !tree.exists(main)) {
      throw new Error(
        `${options.sourceRoot}: expected a TypeScript app, found main.js. Write the module by hand, as the README shows`,
      );
    }
    const root = findRootModule(tree, options.sourceRoot);
    const host = readHostApp(tree, [...(root ? [root.path] : []), main]);
    const path = posix.join(options.sourceRoot, 'webhooks/webhooks.module.ts');
    const isNew = !isOfEarlierRun(tree, path);
    if (isNew) writeFiles(tree, path, options, host);
    else logger.info(`${path} exists and is kept, with its handlers`);
    importInto(tree, root, { path, host, logger });
    for (const step of isNew ? nextSteps(options, host, textOf(tree, main)) : []) logger.info(step);
    return tree;
  };
}

/** @throws Error if the file is another module of the app */
function isOfEarlierRun(tree: Tree, path: string): boolean {
  if (!tree.exists(path)) return false;
  if (textOf(tree, path)?.includes(MODULE_CLASS)) return true;
  throw new Error(
    `${path}: expected no file of this name, or one of an earlier run, found another module. ` +
      'Rename it, or write the module by hand, as the README shows',
  );
}

function writeFiles(tree: Tree, path: string, options: NestAddOptions, host: HostApp): void {
  const create = (name: string, text: string) => {
    const file = posix.join(posix.dirname(path), name);
    if (tree.exists(file)) throw new Error(`${file}: expected no file of this name, found one. Rename it`);
    tree.create(file, text);
  };
  tree.create(path, moduleText(options, host));
  create('on-call.ts', HANDLER_TEXT);
  if (host.testImport) create('on-call.spec.ts', specText(options, host));
  nameVariables(tree, '.env.example', variablesOf(options));
  if (options.inbox === 'sqlite') ignoreInboxFile(tree);
}

function importInto(
  tree: Tree,
  root: RootModule | undefined,
  { path, host, logger }: { path: string; host: HostApp; logger: SchematicContext['logger'] },
): void {
  const from = root?.path ?? posix.join(posix.dirname(path), '../app.module.ts');
  const specifier = specifierOf(from, path, host.importEnd);
  const edited = editedRoot(tree, root, specifier);
  if ('text' in edited) {
    if (root && edited.text !== textOf(tree, root.path)) tree.overwrite(root.path, edited.text);
    return;
  }
  logger.warn(
    `${edited.problem}. Add these lines to the root module:\n\n` +
      `  import { ${MODULE_CLASS} } from '${specifier}';\n\n  imports: [${MODULE_CLASS}],\n`,
  );
}

function editedRoot(tree: Tree, root: RootModule | undefined, specifier: string): Edited {
  if (!root)
    return { problem: 'The root module was not found: main.ts does not name it, and app.module.ts is missing' };
  const text = textOf(tree, root.path);
  const edited =
    text === undefined
      ? { problem: 'its text is not UTF-8' }
      : addToRootModule(text, { className: MODULE_CLASS, specifier, rootClass: root.className });
  return 'text' in edited ? edited : { problem: `${root.path} was not changed, because ${edited.problem}` };
}

/** SQLite keeps two more files beside the inbox: `-wal` and `-shm`. */
function ignoreInboxFile(tree: Tree): void {
  ignore(tree, '.gitignore', 'runhooks.db*');
  if (tree.exists('.dockerignore') || tree.exists('Dockerfile')) ignore(tree, '.dockerignore', 'runhooks.db*');
}

const ADD = { npm: 'npm install', pnpm: 'pnpm add', yarn: 'yarn add', bun: 'bun add' };

function nextSteps(options: NestAddOptions, host: HostApp, main: string | undefined): string[] {
  const needed = [
    ...(host.packageManager === 'yarn' ? ['class-validator', 'class-transformer'] : []),
    ...(options.inbox === 'postgres' ? ['pg'] : []),
    // The generated test has an SQLite inbox in memory, whatever the inbox of the app is.
    ...(process.getBuiltinModule('node:sqlite') ? [] : ['better-sqlite3@12']),
  ].filter((name) => !host.packages.has(name.replace(/@.*/, '')));
  return [
    ...(needed.length > 0 ? [`Install: ${ADD[host.packageManager]} ${needed.join(' ')}`] : []),
    `Set in the environment of the app: ${variablesOf(options).join(', ')}`,
    ...(main?.includes('enableShutdownHooks')
      ? []
      : ['Call app.enableShutdownHooks() in main.ts for a graceful shutdown']),
    ...(host.testImport
      ? []
      : ['No test was written: found neither Jest nor Vitest with @nestjs/testing in package.json']),
  ];
}
