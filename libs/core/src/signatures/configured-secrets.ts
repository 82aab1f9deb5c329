import { ConfigurationError } from '../errors.js';
import { kindOf } from '../kind-of.js';
import { LIMITS } from '../limits.js';

/**
 * Returns what `read` makes of each configured secret and the path of its option.
 *
 * @throws {ConfigurationError} if the array is empty or too long.
 */
export function readSecrets<Secret, Key>(
  secrets: readonly Secret[],
  option: string,
  read: (secret: Secret, option: string) => Key,
): readonly Key[] {
  if (!Array.isArray(secrets)) {
    throw new ConfigurationError(option, `expected an array with at least one secret, got ${kindOf(secrets)}`);
  }
  if (secrets.length === 0 || secrets.length > LIMITS.secretsMax) {
    throw new ConfigurationError(option, `expected 1 to ${LIMITS.secretsMax} secrets, got ${secrets.length}`);
  }
  return Array.from(secrets as readonly Secret[], (secret, index) => read(secret, `${option}[${index}]`));
}

/** Returns the text of a secret, without whitespace around it: a final line break comes from the configuration. */
export function readSecretText(secret: unknown, option: string): string {
  if (typeof secret !== 'string') {
    throw new ConfigurationError(
      option,
      `expected a string, got ${kindOf(secret)}. Set the environment variable it is read from, or remove the entry`,
    );
  }
  const text = secret.trim();
  if (text === '') {
    throw new ConfigurationError(
      option,
      'expected the secret, got an empty string. Everyone can sign with an empty secret',
    );
  }
  return text;
}

/** Returns for example `2 secrets`. */
export function countOf(keys: readonly unknown[], noun: string): string {
  return `${keys.length} ${noun}${keys.length === 1 ? '' : 's'}`;
}
