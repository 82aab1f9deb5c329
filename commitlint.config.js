import { readdirSync } from 'node:fs';

const entriesOf = (path) => readdirSync(`${import.meta.dirname}/${path}`, { withFileTypes: true });
const foldersOf = (path) => entriesOf(path).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []));
const pagesOf = (path) => entriesOf(path).flatMap(({ name }) => (name.endsWith('.md') ? [name.slice(0, -3)] : []));

/** A lib, or another part: the example, a folder of tests, a page, or one of these. `deps` is the scope of Renovate. */
const SCOPES = [
  ...['libs', 'apps', 'test', 'docs'].flatMap(foldersOf),
  ...['.', 'docs'].flatMap(pagesOf).map((page) => page.toLowerCase()),
  'deps',
  'docs',
  'release',
  'scripts',
];

export default {
  extends: ['@commitlint/config-conventional'],
  // A merge has no change of its own.
  ignores: [(message) => /^merge /i.test(message)],
  rules: {
    'scope-enum': [2, 'always', [...new Set(SCOPES)]],
    // The line length of .editorconfig.
    'header-max-length': [2, 'always', 120],
    // Bodies hold addresses and quoted output.
    'body-max-line-length': [0],
    'footer-max-line-length': [0],
    // Names of classes keep their case: "fix(core): Inbox.erase removes notes".
    'subject-case': [0],
  },
};
