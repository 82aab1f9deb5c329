// `node scripts/release-notes.mjs` prints the section of CHANGELOG.md for the version of package.json.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { notesOf } from './changelog.mjs';
import { root } from './run.mjs';

const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const notes = notesOf(readFileSync(join(root, 'CHANGELOG.md'), 'utf8'), version);
if (notes === undefined) throw new Error(`CHANGELOG.md: expected a section "## ${version}", got none`);
console.log(notes);
