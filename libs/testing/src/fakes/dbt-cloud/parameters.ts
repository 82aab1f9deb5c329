import { FAKE_LIMITS } from '../../limits.js';
import { Refused } from './refused.js';

/** Kinds of parameters, with what they are parsed to. */
interface Kinds {
  integer: number;
  integers: readonly number[];
  string: string;
  strings: readonly string[];
  boolean: boolean;
  /** Two times in milliseconds, the first and the last one of a range. */
  range: readonly [number, number];
}

type Kind = keyof Kinds;
/** A kind, or the names that a comma-separated list may have. */
type Specification = Readonly<Record<string, Kind | readonly string[]>>;
type Parsed<S extends Specification> = {
  readonly [Name in keyof S]?: S[Name] extends Kind ? Kinds[S[Name]] : readonly string[];
};

/** Parameters of all lists. */
export const PAGE = { limit: 'integer', offset: 'integer' } as const;

const ISO = /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:\d{2})$/;

const PARSERS: { readonly [K in Kind]: (text: string) => Kinds[K] | undefined } = {
  integer: (text) => (/^\d{1,15}$/.test(text) ? Number(text) : undefined),
  integers: (text) => arrayOf(text, (one) => typeof one === 'number' && Number.isSafeInteger(one)),
  string: (text) => text,
  strings: (text) => arrayOf(text, (one) => typeof one === 'string'),
  boolean: (text) => ({ true: true, false: false })[text],
  range: (text) => {
    const times = arrayOf<string>(text, (one) => typeof one === 'string' && ISO.test(one));
    const [from, to] = times?.map((one) => Date.parse(one.replace(' ', 'T'))) ?? [];
    return times?.length === 2 && from !== undefined && to !== undefined ? [from, to] : undefined;
  },
};

const EXPECTED: Readonly<Record<Kind, string>> = {
  integer: 'an integer',
  integers: 'a JSON array of integers, for example [10,20]',
  string: 'a string',
  strings: 'a JSON array of strings, for example ["1.9.0"]',
  boolean: 'true or false',
  range:
    'a JSON array of two times with a time zone, percent-encoded, for example ["2026-11-01T00:00:00Z","2026-11-02T00:00:00Z"]',
};

/**
 * Parses the parameters of a call.
 *
 * @throws Refused with 400 for an unknown or repeated parameter, an encoding that is not documented, or a limit above 100.
 */
export function parseParameters<const S extends Specification>(query: URLSearchParams, known: S): Parsed<S> {
  const parsed = new Map<string, unknown>();
  for (const [name, text] of query) {
    const kind = Object.hasOwn(known, name) ? known[name] : undefined;
    if (kind === undefined) throw invalid(name, `one of the parameters ${Object.keys(known).join(', ') || '(none)'}`);
    if (parsed.has(name)) throw invalid(name, 'the parameter once');
    if (typeof kind === 'string') parsed.set(name, parseOne(name, text, kind));
    else parsed.set(name, parseNames(name, text, kind));
  }
  const limit = parsed.get('limit');
  if (typeof limit === 'number' && (limit < 1 || limit > FAKE_LIMITS.dbtPageMax)) {
    throw invalid('limit', `an integer from 1 to ${FAKE_LIMITS.dbtPageMax}`);
  }
  return Object.fromEntries(parsed) as Parsed<S>;
}

function parseOne(name: string, text: string, kind: Kind): unknown {
  const value = PARSERS[kind](text);
  if (value === undefined) throw invalid(name, EXPECTED[kind]);
  return value;
}

function parseNames(name: string, text: string, names: readonly string[]): readonly string[] {
  const given = text.split(',');
  const odd = given.find((one) => !names.includes(one));
  if (odd !== undefined) throw invalid(name, `a comma-separated list of ${names.join(', ')}`);
  return given;
}

function arrayOf<T>(text: string, fits: (one: unknown) => boolean): readonly T[] | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) && value.every(fits) ? (value as readonly T[]) : undefined;
  } catch {
    return undefined;
  }
}

function invalid(name: string, expected: string): Refused {
  return new Refused(400, `Invalid value for parameter ${name}.`, `${name}: expected ${expected}`);
}
