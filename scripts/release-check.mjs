// `npm run release:check`: everything a release does before it publishes, without a network. Needs a fresh
// `npm run build`. With `--publish` it also requires what only a published package needs. Ends with `N passed, N failed`.
import { deepStrictEqual as equal } from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import getReleasePlan from '@changesets/get-release-plan';
import { notesOf, release, unreleased } from './changelog.mjs';
import { root, run } from './run.mjs';
import { sbom, validate } from './sbom.mjs';

const { values, positionals } = parseArgs({ options: { publish: { type: 'boolean' } }, allowPositionals: true });
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const plan = () => getReleasePlan(root);
const changelog = readFileSync(join(root, 'CHANGELOG.md'), 'utf8');

const checks = {
  'parses every changeset': async () => {
    const { changesets, releases } = await plan();
    const next = releases.find(({ name, type }) => name === manifest.name && type !== 'none');
    return `${changesets.length} changesets, next version ${next?.newVersion ?? 'none'}`;
  },
  'has a changeset if CHANGELOG.md has unreleased changes': async () => {
    const { changesets } = await plan();
    const isFirst = notesOf(changelog, manifest.version) === undefined;
    const isChanged = unreleased(changelog) !== '';
    if (isFirst && changesets.length > 0)
      throw new Error(`${manifest.version} is not released yet, so a change needs no changeset`);
    if (!isFirst && isChanged !== changesets.length > 0)
      throw new Error(
        isChanged
          ? 'CHANGELOG.md has lines under "Unreleased"; run `npx changeset`'
          : 'a changeset exists; add a line under "Unreleased" in CHANGELOG.md',
      );
  },
  'titles the unreleased changes with a version': () => {
    const sample = '# Changelog\n\n## Unreleased\n\n- New.\n\n## 1.0.0 (2026-01-01)\n\n- Old.\n';
    const released = release(sample, '1.1.0', '2026-02-01');
    equal([unreleased(released), notesOf(released, '1.1.0'), notesOf(released, '1.0.0')], ['', '- New.', '- Old.']);
  },
  'packs what npm publish would send, and nothing that is private': () => {
    const output = JSON.parse(run('npm', 'publish', '--dry-run', '--offline', '--json', '--ignore-scripts'));
    const { version, files } = output[manifest.name] ?? output;
    const paths = files.map(({ path }) => path);
    equal(version, manifest.version);
    const missing = ['LICENSE', 'README.md', 'CHANGELOG.md', ...entries()].filter((path) => !paths.includes(path));
    equal({ missing }, { missing: [] });
    const stray = paths.filter((path) => /\.spec\.|\.db|\.env|tsbuildinfo|^(libs|test|scripts)\//.test(path));
    equal({ stray }, { stray: [] });
    return `${paths.length} files`;
  },
  'writes an SBOM that names every dependency': () => {
    const document = sbom();
    validate(document, manifest);
    return `${document.components.length} components`;
  },
  ...(values.publish && {
    'has what provenance and a release need': () => {
      if (!manifest.repository) throw new Error('package.json: expected `repository`, got none. Provenance needs it');
      if (notesOf(changelog, manifest.version) === undefined)
        throw new Error(`CHANGELOG.md: expected a section for ${manifest.version}, got none`);
    },
  }),
};

/** Every file that package.json points to. */
function entries() {
  const filesOf = (value) => (typeof value === 'string' ? [value] : Object.values(value).flatMap(filesOf));
  const { main, types, schematics, bin, exports, typesVersions } = manifest;
  const declarations = Object.values(typesVersions['*']);
  return filesOf([main, types, schematics, bin, exports, declarations]).map((file) => file.replace(/^\.\//, ''));
}

let failed = 0;
for (const [title, check] of Object.entries(checks)) {
  try {
    const note = await check();
    console.log(`  ok   ${title}${note === undefined ? '' : `: ${note}`}`);
  } catch (error) {
    failed += 1;
    console.log(`  FAIL ${title}\n${error.message}`);
  }
}
const passed = Object.keys(checks).length - failed;
if (positionals[0]) writeFileSync(positionals[0], JSON.stringify({ passed, failed }));
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
