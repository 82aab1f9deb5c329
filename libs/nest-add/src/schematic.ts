/**
 * The part of a schematic's file tree that Runhooks uses. The types of `@angular-devkit/schematics` are copied, because the
 * package is not always installed where Runhooks could import it.
 */
export interface Tree {
  getDir(path: string): Folder;
  exists(path: string): boolean;
  read(path: string): Uint8Array | null;
  create(path: string, content: string): void;
  overwrite(path: string, content: string): void;
}

export interface Folder {
  readonly subdirs: readonly string[];
  readonly subfiles: readonly string[];
  dir(name: string): Folder;
}

export interface SchematicContext {
  readonly logger: {
    info(message: string): void;
    warn(message: string): void;
  };
}

export type Rule = (tree: Tree, context: SchematicContext) => Tree;

/** Returns a file's text with its byte order mark, or `undefined` if the file is missing or is not UTF-8. */
export function textOf(tree: Tree, path: string): string | undefined {
  const bytes = tree.exists(path) ? tree.read(path) : null;
  if (!bytes) return undefined;
  const text = Buffer.from(bytes).toString('utf8');
  return Buffer.from(text).equals(bytes) ? text : undefined;
}

/** Returns the content of a JSON file, or `undefined` if the file is missing. */
export function jsonOf(tree: Tree, path: string): unknown {
  const text = textOf(tree, path);
  return text === undefined ? undefined : JSON.parse(text.replace(/^\uFEFF/, ''));
}
