import { posix } from 'node:path';
import { maskCode } from './code-mask.js';
import { importStatements } from './import-statements.js';
import { textOf, type Folder, type Tree } from './schematic.js';

/** Returns the file below a folder, tests excepted, that calls `WebhooksModule.forRoot` or `forRootAsync`. */
export function findForRoot(tree: Tree, sourceRoot: string): string | undefined {
  return filesBelow(tree.getDir(sourceRoot), sourceRoot).find(
    (path) => /(?<![.-](?:spec|test))\.ts$/.test(path) && callsForRoot(textOf(tree, path) ?? ''),
  );
}

function filesBelow(folder: Folder, path: string): string[] {
  return [
    ...folder.subfiles.map((name) => posix.join(path, name)),
    ...folder.subdirs
      .filter((name) => name !== 'node_modules')
      .flatMap((name) => filesBelow(folder.dir(name), posix.join(path, name))),
  ];
}

/** Recognizes other names of the class and of the namespace. */
function callsForRoot(text: string): boolean {
  if (!text.includes('nestjs-runhooks')) return false;
  const mask = maskCode(text) ?? '';
  return (importStatements(text, mask) ?? [])
    .filter(({ specifier }) => specifier === 'nestjs-runhooks')
    .some(({ clause }) => {
      const name = /\bWebhooksModule\s+as\s+([\w$]+)/.exec(clause)?.[1] ?? 'WebhooksModule';
      return new RegExp(`(?<![\\w$])${name.replaceAll('$', '\\$')}\\s*\\.\\s*forRoot(?:Async)?\\s*\\(`).test(mask);
    });
}
