import { textOf, type Tree } from './schematic.js';

/** Adds lines at the end of a text file, in its line breaks; creates the file if it is missing. Returns whether it did. */
function addLines(tree: Tree, path: string, lines: readonly string[]): boolean {
  if (lines.length === 0) return false;
  const text = textOf(tree, path);
  if (text === undefined) {
    if (tree.exists(path)) return false;
    tree.create(path, `${lines.join('\n')}\n`);
    return true;
  }
  const lineBreak = text.includes('\r\n') ? '\r\n' : '\n';
  const separator = text === '' || text.endsWith('\n') ? '' : lineBreak;
  tree.overwrite(path, text + separator + lines.map((line) => line + lineBreak).join(''));
  return true;
}

/** Adds a pattern to a `.gitignore` or `.dockerignore` unless a line has it. */
export function ignore(tree: Tree, path: string, pattern: string): void {
  const lines = (textOf(tree, path) ?? '').split(/\r?\n/).map((line) => line.trim());
  if (!lines.includes(pattern) && !lines.includes(`/${pattern}`)) addLines(tree, path, [pattern]);
}

/** Adds `NAME=` lines for variables that the file does not name, commented out or not. */
export function nameVariables(tree: Tree, path: string, names: readonly string[]): void {
  const text = textOf(tree, path) ?? '';
  const missing = names.filter((name) => !new RegExp(`^[ \\t#]*(?:export[ \\t]+)?${name}[ \\t]*=`, 'm').test(text));
  addLines(
    tree,
    path,
    missing.map((name) => `${name}=`),
  );
}
