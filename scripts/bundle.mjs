// `node scripts/bundle.mjs esm|cjs`: writes the build of that format from what tsc has compiled. Each entry of the package
// and the code that entries share become one file, because loading some 250 small files is a large part of what Runhooks
// adds to the startup of an app. Declarations stay as tsc writes them.
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { rollup } from 'rollup';
import { root } from './run.mjs';

const [format] = process.argv.slice(2);
const compiled = join(root, 'dist/compiled/esm');
const target = join(root, 'dist', format);
const { exports: entries, bin } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

const compiledFile = (path) => join(compiled, relative('dist/esm', path));
/** Compiled files by the names under which apps, and the libs themselves, import the entries. */
const entryFiles = new Map(
  Object.entries(entries).flatMap(([name, conditions]) =>
    conditions.import ? [[name.replace('.', 'nestjs-runhooks'), compiledFile(conditions.import.default)]] : [],
  ),
);
const programs = format === 'esm' ? Object.values(bin).map(compiledFile) : [];
const nameOf = (file) => relative(compiled, file).replace(/\.js$/, '');

const bundle = await rollup({
  input: Object.fromEntries([...entryFiles.values(), ...programs].map((file) => [nameOf(file), file])),
  external: (name) => /^[^./]/.test(name) && !entryFiles.has(name),
  plugins: [{ name: 'own-entries', resolveId: (name) => entryFiles.get(name) }],
  // As package.json says: no module of the package is loaded only for what it does when it is loaded.
  treeshake: { moduleSideEffects: (_, isExternal) => isExternal },
  onwarn({ code, message }) {
    // The helpers that tsc adds for decorators ask whether `this` already has them.
    if (code !== 'THIS_IS_UNDEFINED') throw new Error(message);
  },
});

rmSync(target, { recursive: true, force: true });
cpSync(join(root, 'dist/compiled', format), target, {
  recursive: true,
  // The Nest CLI loads the schematic by the names of its files.
  filter: (path) => !path.endsWith('.js') || path.includes('nest-add'),
});
await bundle.write({
  dir: target,
  format,
  // An error about two loaded copies recognizes the folder of a copy by this name.
  chunkFileNames: 'chunks/runhooks-[hash].js',
  hashCharacters: 'hex',
  hoistTransitiveImports: false,
  // A test runner for CommonJS does not support `import()`.
  dynamicImportInCjs: false,
  interop: 'auto',
});
if (format === 'cjs') writeFileSync(join(target, 'package.json'), JSON.stringify({ type: 'commonjs' }));
