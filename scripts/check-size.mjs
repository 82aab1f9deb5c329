// `npm run check:size`: what the package and its root import weigh, against limits. Needs a fresh `npm run build`.
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { root, run } from './run.mjs';

/**
 * 5 to 8 % above the sizes of November 2026; `import` is what `import 'nestjs-runhooks'` loads without peers, minified.
 * Raise a limit in the commit that needs it, and say why there.
 */
const LIMITS = { tarballKb: 1_300, unpackedKb: 5_650, files: 1_450, importKb: 180, importGzippedKb: 62 };

const [{ size, unpackedSize, entryCount }] = JSON.parse(run('npm', 'pack', '--dry-run', '--json', '--ignore-scripts'));
const bundle = await build({
  entryPoints: [`${root}/dist/esm/nest/src/index.js`],
  bundle: true,
  minify: true,
  write: false,
  format: 'esm',
  platform: 'node',
  // Peers come with the host app. The package imports its own core by name.
  packages: 'external',
  alias: {
    'nestjs-runhooks/core': `${root}/dist/esm/core/src/index.js`,
    'nestjs-runhooks/internal': `${root}/dist/esm/core/src/internal.js`,
  },
});
const [{ contents }] = bundle.outputFiles;
const sizes = {
  tarballKb: size / 1000,
  unpackedKb: unpackedSize / 1000,
  files: entryCount,
  importKb: contents.length / 1000,
  importGzippedKb: gzipSync(contents).length / 1000,
};

for (const [name, limit] of Object.entries(LIMITS)) {
  const isWithin = sizes[name] <= limit;
  console.log(`${isWithin ? 'ok  ' : 'FAIL'} ${name}: ${sizes[name].toFixed(1)} of ${limit}`);
  if (!isWithin) process.exitCode = 1;
}
