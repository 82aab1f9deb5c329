// `npm run release:version`: takes the version from the changesets, and gives it to package.json, package-lock.json and the
// unreleased section of CHANGELOG.md. Without changesets it releases the version that package.json has: the first one.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { notesOf, release } from './changelog.mjs';
import { root, run } from './run.mjs';

run('npx', 'changeset', 'version');
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
run('npm', 'version', version, '--allow-same-version', '--no-git-tag-version');

const file = join(root, 'CHANGELOG.md');
const text = readFileSync(file, 'utf8');
if (notesOf(text, version) !== undefined)
  throw new Error(`CHANGELOG.md: ${version} is released, and no changeset exists`);
writeFileSync(file, release(text, version, new Date().toISOString().slice(0, 10)));
console.log(`${version}: package.json, package-lock.json and CHANGELOG.md`);
