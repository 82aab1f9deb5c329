import { kindOf } from '../kind-of.js';
import { didYouMean } from '../nearest.js';
import { isIdText } from '../payloads/id-text.js';
import type { ActionKind, ActionOptions, RetryRunOptions } from '../sources/provider-action.js';

/** Returns what is expected instead of a value, or `undefined` if the value is right. */
export type ArgumentCheck = (value: unknown) => string | undefined;

/** Characters of a string among the arguments of an action, which are stored. */
const TEXT_CHARS_MAX = 10_000;
/** Strings of a list among the arguments of an action. */
const TEXTS_MAX = 100;

const isFilled = (value: unknown): value is string =>
  typeof value === 'string' && value.trim() !== '' && value.length <= TEXT_CHARS_MAX;

const isText = (value: unknown): boolean => isFilled(value) && !/[\p{Cc}\p{Cs}]/u.test(value);

/** Checks of arguments of actions. */
export const ARGUMENTS: Readonly<Record<'cause' | 'text' | 'texts' | 'flag' | 'count' | 'seconds', ArgumentCheck>> = {
  /** Text for people. It can have several lines, see {@link markedReason}. */
  cause: (value) => (isFilled(value) ? undefined : `a string of up to ${TEXT_CHARS_MAX} characters that is not blank`),
  text: (value) => (isText(value) ? undefined : `one line of up to ${TEXT_CHARS_MAX} characters that is not blank`),
  texts: (value) => {
    const isRight = Array.isArray(value) && value.length > 0 && value.length <= TEXTS_MAX && value.every(isText);
    return isRight ? undefined : `an array of 1 to ${TEXTS_MAX} lines that are not blank`;
  },
  flag: (value) => (typeof value === 'boolean' ? undefined : 'true or false'),
  count: (value) => (Number.isSafeInteger(value) && Number(value) > 0 ? undefined : 'an integer above 0'),
  seconds: (value) => (Number.isSafeInteger(value) && Number(value) >= 0 ? undefined : 'an integer of 0 or more'),
};

/** {@link checkAction} checks the option. */
const checkedLater: ArgumentCheck = () => undefined;

const SHARED: Readonly<Record<keyof ActionOptions, ArgumentCheck>> = {
  key: checkedLater,
  onUnknown: checkedLater,
  signal: (value) => (typeof value === 'object' && value !== null && 'aborted' in value ? undefined : 'an AbortSignal'),
};

const OF_KIND: Readonly<Record<ActionKind, Readonly<Record<string, ArgumentCheck>>>> = {
  retry: { ...SHARED, retriesMax: checkedLater } satisfies Record<keyof RetryRunOptions, ArgumentCheck>,
  trigger: SHARED,
  cancel: SHARED,
};

/**
 * Returns what is wrong with the options of an action: a value, or a name that is no option, because TypeScript does not report
 * unknown names in a variable, and a misspelled branch would be the default one. Returns `undefined` if they are right.
 *
 * @param own checks of the other options of this provider. Only `cause` must be there.
 */
export function wrongArgument(
  kind: ActionKind,
  options: unknown,
  own: Readonly<Record<string, ArgumentCheck>> = {},
): string | undefined {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    return `options: expected an object with key, got ${kindOf(options)}`;
  }
  const given = options as Readonly<Record<string, unknown>>;
  const checks = { ...OF_KIND[kind], ...own };
  const names = Object.keys(checks);
  const unknown = Object.keys(given).find((name) => !names.includes(name));
  if (unknown !== undefined) return `${unknown}: unknown option${didYouMean(unknown, names)}`;
  for (const [name, check] of Object.entries(checks)) {
    const value = given[name];
    const expected = value === undefined && name !== 'cause' ? undefined : check(value);
    if (expected !== undefined) return `${name}: expected ${expected}, got ${foundIn(value)}`;
  }
  return undefined;
}

/** Returns what is wrong with the run of an action, or `undefined`. */
export function wrongRun(run: unknown): string | undefined {
  if (typeof run !== 'object' || run === null) {
    return `run: expected a run with its id, such as event.run, got ${kindOf(run)}`;
  }
  const { id } = run as { readonly id?: unknown };
  return isIdText(id) ? undefined : `run.id: expected the id of a run as a string, got ${kindOf(id)}`;
}

function foundIn(value: unknown): string {
  if (typeof value === 'number') return String(value);
  if (Array.isArray(value)) return value.length === 0 ? 'an empty array' : 'another array';
  return typeof value === 'string' && value !== '' ? 'another string' : kindOf(value);
}
