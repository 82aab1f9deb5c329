// CHANGELOG.md is written by hand: changes collect under "Unreleased", and a release gives them a version and a date.

const UNRELEASED = '## Unreleased';

/** Returns the text with the unreleased changes under `version`, below an empty "Unreleased". */
export function release(text, version, date) {
  if (unreleased(text) === '') throw new Error('CHANGELOG.md: expected lines under "Unreleased", got none');
  return text.replace(UNRELEASED, `${UNRELEASED}\n\n## ${version} (${date})`);
}

/** Returns the lines under "Unreleased". */
export function unreleased(text) {
  return section(text, (title) => title === UNRELEASED) ?? '';
}

/** Returns the lines of a released version, or undefined if it has no section. */
export function notesOf(text, version) {
  return section(text, (title) => title === `## ${version}` || title.startsWith(`## ${version} (`));
}

function section(text, isTitle) {
  const lines = text.split('\n');
  const start = lines.findIndex(isTitle);
  if (start === -1) return undefined;
  const length = lines.slice(start + 1).findIndex((line) => line.startsWith('## '));
  return lines
    .slice(start + 1, length === -1 ? undefined : start + 1 + length)
    .join('\n')
    .trim();
}
