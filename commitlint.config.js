import { readdirSync } from 'node:fs';

const foldersOf = (path) =>
  readdirSync(`${import.meta.dirname}/${path}`, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name);

/** Parts of the repository that are not libs. `deps` is the scope of Renovate. */
const OTHERS = ['bench', 'deps', 'docs', 'release', 'scripts'];

export default {
  extends: ['@commitlint/config-conventional'],
  // A merge has no change of its own.
  ignores: [(message) => /^merge /i.test(message)],
  rules: {
    'scope-enum': [
      2,
      'always',
      [...new Set([...foldersOf('libs'), ...foldersOf('apps'), ...foldersOf('test'), ...OTHERS])],
    ],
    // The line length of .editorconfig.
    'header-max-length': [2, 'always', 120],
    // Bodies hold addresses and quoted output.
    'body-max-line-length': [0],
    'footer-max-line-length': [0],
    // Names of classes keep their case: "fix(core): Inbox.erase removes notes".
    'subject-case': [0],
  },
};
