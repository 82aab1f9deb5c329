// `npm run check:api`: fails if a public signature differs from the reports in `api/`, without comments and private members.
// `npm run api:update` writes them. Both need a fresh `npm run build`.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import ts from 'typescript';
import { root } from './run.mjs';

const isUpdate = process.argv.includes('--update');
const folder = join(root, 'api');
const { name: packageName, exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
/** The root comes last, because it exports names of other entries again. */
const entries = Object.keys(exports)
  .filter((entry) => exports[entry].import && entry !== './internal')
  .sort((one, other) => (one === '.') - (other === '.'))
  .map((entry) => ({
    name: entry.replace('.', packageName),
    report: `${entry === '.' ? 'root' : basename(entry)}.api.md`,
    file: join(root, exports[entry].import.types),
  }));

const program = ts.createProgram(
  entries.map(({ file }) => file),
  { module: ts.ModuleKind.NodeNext, target: ts.ScriptTarget.ES2022, strict: true, types: ['node'], noEmit: true },
);
const checker = program.getTypeChecker();
const printer = ts.createPrinter({ removeComments: true });
const original = (symbol) => (symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol);

/** Returns the names that an entry exports, with their symbols, in an order that no locale changes. */
function exportsOf({ file }) {
  const module = checker.getSymbolAtLocation(program.getSourceFile(file));
  const found = checker.getExportsOfModule(module).map((symbol) => [symbol.name, original(symbol)]);
  return found.sort(([one], [other]) => (one < other ? -1 : 1));
}

const homes = new Map();
for (const entry of entries) {
  for (const [, symbol] of exportsOf(entry)) if (!homes.has(symbol)) homes.set(symbol, entry);
}

/** Returns the statements that declare a symbol, without those that other modules add to it. */
function statementsOf(symbol) {
  const nodes = (symbol.declarations ?? []).map((node) => (ts.isVariableDeclaration(node) ? node.parent.parent : node));
  return nodes.filter(({ parent }) => ts.isSourceFile(parent)).map((node) => ts.visitNode(node, withoutPrivates));
}

function withoutPrivates(node) {
  const isPrivate =
    ts.isClassElement(node) &&
    ((node.name && ts.isPrivateIdentifier(node.name)) || ts.getCombinedModifierFlags(node) & ts.ModifierFlags.Private);
  return isPrivate ? undefined : ts.visitEachChild(node, withoutPrivates, undefined);
}

/** Adds to `used` the symbols of this package that a node names and no entry exports. */
function collect(node, used) {
  const found = ts.isIdentifier(node) && checker.getSymbolAtLocation(node);
  const symbol = found && original(found);
  const isOwn = symbol?.declarations?.some((one) => one.getSourceFile().fileName.startsWith(join(root, 'dist')));
  if (isOwn && !homes.has(symbol) && !used.has(symbol) && statementsOf(symbol).length > 0) {
    used.add(symbol);
    for (const statement of statementsOf(symbol)) collect(statement, used);
  }
  ts.forEachChild(node, (child) => collect(child, used));
}

function reportOf(entry) {
  const print = (node) => printer.printNode(ts.EmitHint.Unspecified, node, ts.getOriginalNode(node).getSourceFile());
  const names = exportsOf(entry);
  const own = names.filter(([, symbol]) => homes.get(symbol) === entry).flatMap(([, symbol]) => statementsOf(symbol));
  const others = names.filter(([, symbol]) => homes.get(symbol) !== entry);
  const elsewhere = others.map(([name, symbol]) => `- \`${name}\`: \`${homes.get(symbol).name}\``);
  const added = program.getSourceFile(entry.file).statements.filter((node) => ts.isModuleDeclaration(node));
  const used = new Set();
  for (const node of [...own, ...added]) collect(node, used);
  const hidden = [...used].sort((one, other) => (one.name < other.name ? -1 : 1)).flatMap(statementsOf);
  const section = (title, lines) => (lines.length > 0 ? `\n## ${title}\n\n${lines.join('\n')}\n` : '');
  const code = (nodes) => (nodes.length > 0 ? ['```ts', ...nodes.map(print), '```'] : []);
  return (
    `# API of \`${entry.name}\`\n\nWritten by \`npm run api:update\`.\n` +
    section('Exports', code([...own, ...added])) +
    section('Exports of other entries', elsewhere) +
    section('Types that these use and no entry exports', code(hidden))
  );
}

const stale = new Set(readdirSync(folder));
for (const entry of entries) {
  const path = join(folder, entry.report);
  const report = reportOf(entry);
  const isSame = stale.delete(entry.report) && readFileSync(path, 'utf8') === report;
  if (isUpdate) writeFileSync(path, report);
  else if (!isSame) process.exitCode = 1;
  console.log(`${isSame ? 'ok  ' : isUpdate ? 'new ' : 'FAIL'} api/${entry.report}`);
}
for (const file of stale) {
  console.log(`FAIL api/${file} is the report of no entry. Delete it`);
  process.exitCode = 1;
}
if (process.exitCode === 1) console.log('Run `npm run build && npm run api:update`, and commit the difference in api/');
