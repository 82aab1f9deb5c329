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
    const file = (name: string) => posix.join(options.sourceRoot, 'webhooks', name);
    if (!isOurs(tree, file('webhooks.module.ts'))) {
      throw new Error(
        `${file('webhooks.module.ts')}: expected no file of this name, or one of an earlier run, found another module. ` +
          'Rename it, or write the module by hand, as the README shows',
      );
    }
    const module = moduleText(options, host);
    writeNew(tree, file('webhooks.module.ts'), module);
    if (textOf(tree, file('webhooks.module.ts')) !== module)
      logger.info(`${file('webhooks.module.ts')} exists and is kept`);
    writeNew(tree, file('on-call.ts'), HANDLER_TEXT);
    if (host.testImport) writeNew(tree, file('on-call.spec.ts'), specText(options, host));
    importInto(tree, root, { path: file('webhooks.module.ts'), host, logger });
    nameVariables(tree, '.env.example', variablesOf(options));
    if (options.inbox === 'sqlite') ignoreInboxFile(tree);
    for (const step of nextSteps(options, host, textOf(tree, main))) logger.info(step);
    return tree;
  };
}

/** Whether the file is missing or uses this package, so that it is of an earlier run. */
function isOurs(tree: Tree, path: string): boolean {
  return !tree.exists(path) || (textOf(tree, path)?.includes(MODULE_CLASS) ?? false);
}

/** A file that exists stays as it is: its owner may have changed it since the first run. */
function writeNew(tree: Tree, path: string, text: string): void {
  if (!tree.exists(path)) tree.create(path, text);
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
