import { posix } from 'node:path';
import { findForRoot } from './earlier-module.js';
import {
  DEFAULT_INBOX_FILE,
  HANDLER_TEXT,
  MODULE_CLASS,
  moduleText,
  specText,
  variablesOf,
} from './generated-files.js';
import { readHostApp, specifierOf, type HostApp } from './host-app.js';
import { ignore, nameVariables } from './line-files.js';
import { nextSteps } from './next-steps.js';
import { checkOptions, type NestAddFlags, type NestAddOptions } from './options.js';
import { findInboxName, findProject } from './project.js';
import { findRootModule, type RootModule } from './root-module-file.js';
import { addToRootModule, type Edited } from './root-module-text.js';
import { textOf, type Rule, type SchematicContext, type Tree } from './schematic.js';

/**
 * The schematic that `nest add nestjs-runhooks` runs. It never changes a file that it does not understand. The Nest CLI
 * runs it in the folder of the app.
 */
export function nestAdd(flags: NestAddFlags, folder = process.cwd()): Rule {
  const options = checkOptions(flags);
  return (tree, { logger }) => {
    const project = findProject(tree, options);
    const main = posix.join(options.sourceRoot, 'main.ts');
    if (tree.exists(main.replace(/ts$/, 'js')) && !tree.exists(main)) {
      throw new Error(
        `${options.sourceRoot}: expected a TypeScript app, found main.js. Write the module by hand, as the README shows`,
      );
    }
    const root = findRootModule(tree, options.sourceRoot);
    const host = readHostApp(tree, [...(root ? [root.path] : []), main], project);
    const path = posix.join(options.sourceRoot, 'webhooks/webhooks.module.ts');
    const isNew = !isOfEarlierRun(tree, path);
    if (isNew) {
      refuseSecondForRoot(tree, options.sourceRoot);
      writeFiles(tree, path, options, host);
    } else {
      logger.info(`${path} exists and is kept, with its handlers. The options --provider and --inbox were ignored`);
    }
    importInto(tree, root, { path, host, logger });
    if (!isNew) return tree;
    const written = { options, host, folder, main: textOf(tree, main), hasEnvFile: tree.exists('.env') };
    for (const step of nextSteps(written)) logger.info(step);
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

/** @throws Error if the app has the module of Runhooks, which can be imported only once */
function refuseSecondForRoot(tree: Tree, sourceRoot: string): void {
  const path = findForRoot(tree, sourceRoot);
  if (path === undefined) return;
  throw new Error(
    `${path}: expected no WebhooksModule.forRoot() or forRootAsync() in the app, found one. An app has only one: ` +
      'add sources and handlers there, or remove it and run nest add again',
  );
}

function writeFiles(tree: Tree, path: string, options: NestAddOptions, host: HostApp): void {
  const create = (name: string, text: string) => {
    const file = posix.join(posix.dirname(path), name);
    if (tree.exists(file)) throw new Error(`${file}: expected no file of this name, found one. Rename it`);
    tree.create(file, text);
  };
  const inboxName = host.project === undefined ? undefined : findInboxName(tree, host.project, options.inbox);
  tree.create(path, moduleText(options, host, inboxName));
  create('on-call.ts', HANDLER_TEXT);
  if (host.testImport) create('on-call.spec.ts', specText(options, host));
  nameVariables(tree, '.env.example', variablesOf(options));
  if (options.inbox === 'sqlite') ignoreInboxFile(tree, inboxName ?? DEFAULT_INBOX_FILE);
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
    `${edited.problem}. Add this line, and add ${MODULE_CLASS} to the imports of ` +
      `${root?.className ?? 'the root module'}:\n\n  import { ${MODULE_CLASS} } from '${specifier}';\n`,
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
function ignoreInboxFile(tree: Tree, path: string): void {
  ignore(tree, '.gitignore', `${path}*`);
  if (tree.exists('.dockerignore') || tree.exists('Dockerfile')) ignore(tree, '.dockerignore', `${path}*`);
}
