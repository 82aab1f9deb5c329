import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';

const root = join(import.meta.dirname, '../..');
const page = readFileSync(join(root, 'docs/errors.md'), 'utf8');

/** The sources of all libs, without their tests. */
function sources(): { file: string; text: string }[] {
  return readdirSync(join(root, 'libs'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.endsWith('spec.ts'))
    .map((file) => ({ file, text: readFileSync(join(root, 'libs', file), 'utf8') }));
}

/** Code and class of each error class; codes that the command line prints for other errors have no class. */
function codesInSource(): [string, string][] {
  return sources().flatMap(({ file, text }) => {
    const ofClasses = [...text.matchAll(/\bclass (\w+)(?:(?!\bclass \w)[^])*?\breadonly code = '(\w+)'/g)];
    const printed = file.startsWith('cli/') ? [...text.matchAll(/\bcode: '(\w+)'/g)] : [];
    return [
      ...ofClasses.map(([, name = '', code = '']): [string, string] => [code, name]),
      ...printed.map(([, code = '']): [string, string] => [code, '']),
    ];
  });
}

/** Codes of all log lines. */
function logCodesInSource(): string[] {
  const logged = /(?<!\.)\bcode(?:: LogCode)?(?::| =)(?!=)[^;\n]*?'(RUNHOOKS_\w+)'(?:[^;\n]*?'(RUNHOOKS_\w+)')?/g;
  const found = sources()
    .flatMap(({ text }) => [...text.replaceAll(/readonly code = '\w+'/g, '').matchAll(logged)])
    .flatMap(([, one = '', other]) => (other === undefined ? [one] : [one, other]));
  return [...new Set(found)].sort();
}

/** Codes of the second table, with rows that have no empty cell. */
function logRows(): string[] {
  const [, section = ''] = page.split('\n## Log codes\n');
  return [...section.matchAll(/^\| `(RUNHOOKS_\w+)` +\| (?:warn|error) +\| [^\s|][^|]*\| [^\s|][^|]*\|$/gm)]
    .map(([, code = '']) => code)
    .sort();
}

/** Code and class of each row that has no empty cell. */
function rows(): [string, string][] {
  const [, section = ''] = page.split('\n## Error codes\n');
  const [table = ''] = section.split('\n## ');
  return [...table.matchAll(/^\| `(\w+)` +\| (?:`(\w+)`|—) +\| [^\s|][^|]*\| [^\s|][^|]*\|$/gm)].map(
    ([, code = '', name = '']) => [code, name],
  );
}

const byCode = (pairs: [string, string][]) => pairs.toSorted(([a], [b]) => a.localeCompare(b));

describe('docs/errors.md', () => {
  it('explains every error code with its class, and no others', () => {
    const codes = codesInSource();
    expect(codes.length).toBeGreaterThan(10);
    expect(byCode(rows())).toEqual(byCode(codes));
  });

  it('explains every log code, and no others', () => {
    const codes = logCodesInSource();
    expect(codes.length).toBeGreaterThan(30);
    expect(logRows()).toEqual(codes);
  });
});
