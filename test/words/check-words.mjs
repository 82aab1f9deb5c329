// Fails on words that the project does not use: `npm run check:words`, or `npm run check:words -- docs libs/core`.
// words.txt holds the rules and allowed.txt the texts that may break them. Paths are relative to the working directory.
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import ts from 'typescript';

const FOLDERS = ['docs', 'libs', 'test', 'apps', 'bench'];
const SKIPPED = /(^|\/)(node_modules|dist|fixtures|results)\//;
const TEST = /spec\.ts$|\/store-contract\//;

/** Columns are separated by at least two spaces; lines that begin with # are comments. */
function columnsOf(name) {
  return readFileSync(join(import.meta.dirname, name), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split(/ {2,}/));
}

/** A space in a pattern also matches a line break, with the beginning of the next line of a comment. */
const rules = columnsOf('words.txt').map(([pattern, where, instead]) => ({
  pattern: new RegExp(
    pattern.replaceAll(/(?<!\*) /g, String.raw`(?:\s|\*|//)+`),
    pattern === pattern.toLowerCase() ? 'gi' : 'g',
  ),
  where: where.split(','),
  instead,
}));
const allowed = columnsOf('allowed.txt').map(([file, text]) => ({ file, text }));

const blank = (text) => text.replaceAll(/[^\n]/g, '\0');

/** Keeps the ranges and the line breaks of a text, so that a position in the result is one in the text. */
function only(text, ranges) {
  let kept = '';
  for (const [start, end] of ranges.toSorted(([a], [b]) => a - b)) {
    kept += blank(text.slice(kept.length, Math.max(start, kept.length)));
    kept += text.slice(kept.length, end);
  }
  return kept;
}

const isString = (node) => ts.isStringLiteralLike(node) || ts.isTemplateExpression(node);

/** Whether a call is `it(…)`, `describe.skip(…)`, `it.each(…)(…)` or the like. */
function isTest(node) {
  let callee = node.expression;
  while (ts.isPropertyAccessExpression(callee) || ts.isCallExpression(callee)) callee = callee.expression;
  return ts.isIdentifier(callee) && ['it', 'describe', 'test'].includes(callee.text);
}

/** The title of a test: of `it(…)`, or the `title` of a case of the store contract. */
function titleOf(node) {
  if (ts.isCallExpression(node) && isTest(node)) return node.arguments[0];
  return ts.isPropertyAssignment(node) && node.name.getText() === 'title' ? node.initializer : undefined;
}

/** Comments, strings of several words, and titles of tests, each as a text of its own. */
function partsOfSource(file, text) {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const found = { comments: [], strings: [], titles: [] };
  const visit = (node) => {
    if (ts.isJSDoc(node) || ts.isImportDeclaration(node.parent ?? node)) return;
    const title = titleOf(node);
    if (title && isString(title)) found.titles.push([title.getStart(), title.end]);
    else if (isString(node) && /\w \w/.test(node.getText())) found.strings.push([node.getStart(), node.end]);
    const children = node.getChildren();
    if (children.length === 0) found.comments.push([node.pos, node.getStart()]);
    children.forEach(visit);
  };
  visit(source);
  const isLib = file.startsWith('libs/');
  return {
    ...(isLib && { comments: only(text, found.comments) }),
    ...(isLib && !TEST.test(file) && { strings: only(text, found.strings) }),
    titles: only(text, found.titles),
  };
}

function hitsIn(file) {
  let text = readFileSync(file, 'utf8');
  for (const entry of allowed.filter((entry) => entry.file === file)) {
    entry.isUsed = text.includes(entry.text);
    text = text.replaceAll(entry.text, '\0'.repeat(entry.text.length));
  }
  // Fenced blocks of a page are code or output.
  const parts = file.endsWith('.md') ? { docs: text.replaceAll(/^```.*?^```$/gms, blank) } : partsOfSource(file, text);
  return rules.flatMap(({ pattern, where, instead }) =>
    where
      .flatMap((place) => [...(parts[place] ?? '').matchAll(pattern)])
      .map(({ 0: word, index }) => {
        const line = text.slice(0, index).split('\n').length;
        return { file, line, problem: `"${word.replaceAll(/\s+/g, ' ').trim()}": ${instead}` };
      }),
  );
}

const wanted = process.argv.slice(2);
const pages = readdirSync('.').filter((name) => name.endsWith('.md'));
const files = FOLDERS.flatMap((folder) => readdirSync(folder, { recursive: true }).map((name) => join(folder, name)))
  .concat(pages)
  .map((file) => relative('.', file))
  .filter((file) => /\.(md|ts)$/.test(file) && !SKIPPED.test(file))
  .filter((file) => !file.endsWith('.md') || file.startsWith('docs/') || pages.includes(file))
  .filter((file) => wanted.length === 0 || wanted.some((path) => file === path || file.startsWith(`${path}/`)));

const hits = files.flatMap(hitsIn).toSorted((a, b) => a.file.localeCompare(b.file) || a.line - b.line);
const unused = allowed.filter(({ file, isUsed }) => files.includes(file) && !isUsed);
for (const { file, line, problem } of hits) process.stdout.write(`${file}:${line}: ${problem}\n`);
for (const { file, text } of unused) process.stdout.write(`allowed.txt: ${file} does not contain "${text}"\n`);

const byFolder = {};
for (const { file } of hits) {
  const folder = file.split('/').slice(0, -1).slice(0, 2).join('/') || '.';
  byFolder[folder] = (byFolder[folder] ?? 0) + 1;
}
for (const [folder, count] of Object.entries(byFolder)) process.stdout.write(`${folder}: ${count}\n`);
process.stdout.write(`${files.length} files, ${hits.length} words to replace\n`);
process.exitCode = hits.length + unused.length === 0 ? 0 : 1;
