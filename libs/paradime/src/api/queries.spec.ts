import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { MUTATIONS } from './mutations.js';
import { QUERIES } from './queries.js';

/** Arguments with their types, and paths of the requested fields, by operation. */
type Operations = Readonly<
  Record<string, { readonly arguments: Readonly<Record<string, string>>; readonly fields: readonly string[] }>
>;

const CHECKED_IN = JSON.parse(
  readFileSync(new URL('../../../../test/providers/paradime-api-operations.json', import.meta.url), 'utf8'),
) as Operations;

/** Returns what a query asks for. It reads only the subset of GraphQL that the queries use. */
function operationOf(text: string): Operations {
  const tokens: readonly string[] = text.match(/[\w$!]+|[{}():]/g) ?? [];
  const [, name = ''] = tokens;
  const declared = [...text.slice(0, text.indexOf('{')).matchAll(/\$(\w+): ([\w![\]]+)/g)];
  const types = new Map(declared.map(([, variable = '', type = '']) => [variable, type]));
  const passed = [...text.matchAll(/(\w+): \$(\w+)/g)];
  const body = tokens.slice(tokens.indexOf('{') + 1);
  const fields: string[] = [];
  const place: string[] = [];
  let isArgument = false;
  let last = '';
  for (const token of body) {
    if (token === '(') isArgument = true;
    else if (token === ')') isArgument = false;
    else if (isArgument) continue;
    else if (token === '{') place.push(last);
    else if (token === '}') place.pop();
    else fields.push([...place.slice(1), (last = token)].join('.'));
  }
  const isParent = (path: string) => fields.some((other) => other.startsWith(`${path}.`));
  return {
    [name]: {
      arguments: Object.fromEntries(
        passed.map(([, argument = '', variable = '']) => [argument, types.get(variable) ?? '']),
      ),
      // The first field is the operation itself.
      fields: fields.slice(1).filter((path) => !isParent(path)),
    },
  };
}

describe('the queries and mutations', () => {
  it('ask for the checked-in operations, arguments and fields, and no others', () => {
    const asked = Object.assign(
      {},
      ...[...Object.values(QUERIES), ...Object.values(MUTATIONS)].map(({ text }) => operationOf(text)),
    ) as Operations;
    expect(asked).toEqual(CHECKED_IN);
  });

  it.each(Object.values(MUTATIONS))(
    'are named as the field of their result, and contain no values: $field',
    ({ field, text }) => {
      expect(text).toMatch(new RegExp(`^mutation ${field}\\b`));
      expect(Object.keys(operationOf(text))).toEqual([field]);
      expect(text).not.toMatch(/["\d]/);
    },
  );
});

describe('the queries', () => {
  it.each(Object.values(QUERIES))(
    'are named as the field of their result, and change nothing: $field',
    ({ field, text }) => {
      expect(text).toMatch(new RegExp(`^query ${field}\\b`));
      expect(text).not.toMatch(/mutation|subscription/);
      expect(Object.keys(operationOf(text))).toEqual([field]);
    },
  );
});
