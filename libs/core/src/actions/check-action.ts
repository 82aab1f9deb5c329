import { ConfigurationError } from '../errors.js';
import { kindOf } from '../kind-of.js';
import { LIMITS } from '../limits.js';
import { oneLine } from '../one-line.js';
import { requireInteger } from '../option-checks.js';
import type { ProviderAction } from '../sources/provider-action.js';
import { requireText } from '../store/decision.js';

const ON_UNKNOWN: readonly unknown[] = ['stop', 'again', undefined];

/**
 * Checks the options of an action that every provider has.
 *
 * @throws {ConfigurationError} if one is invalid.
 */
export function checkAction({ kind, key, target, retriesMax, onUnknown }: ProviderAction): void {
  const optionOf = (name: string): string => `${kind}({ ${name} })`;
  requireText(optionOf('key'), key, LIMITS.actionKeyCharsMax);
  if (oneLine(key) !== key) {
    throw new ConfigurationError(optionOf('key'), `expected printable characters, got ${JSON.stringify(oneLine(key))}`);
  }
  requireText(kind === 'trigger' ? 'trigger(job)' : `${kind}(run).id`, target, LIMITS.idCharsMax);
  if (retriesMax !== undefined) requireInteger(optionOf('retriesMax'), retriesMax, 0, Number.MAX_SAFE_INTEGER);
  if (!ON_UNKNOWN.includes(onUnknown)) {
    const got = typeof onUnknown === 'string' ? JSON.stringify(onUnknown) : kindOf(onUnknown);
    throw new ConfigurationError(optionOf('onUnknown'), `expected 'stop' or 'again', got ${got}`);
  }
}

/**
 * Returns the arguments of an action as JSON text.
 *
 * @throws {ConfigurationError} if they are no JSON, or too long.
 */
export function requestText({ kind, request }: ProviderAction): string {
  const option = `${kind}({ … })`;
  let text: string;
  try {
    text = JSON.stringify(request);
  } catch (cause) {
    const found = 'expected options that JSON can contain, got a circular one or a bigint';
    throw new ConfigurationError(option, found, { cause });
  }
  if (text.length <= LIMITS.actionRequestCharsMax) return text;
  const found = `expected options of at most ${LIMITS.actionRequestCharsMax} characters as JSON, got ${text.length}`;
  throw new ConfigurationError(option, `${found}. They are stored with the action`);
}
