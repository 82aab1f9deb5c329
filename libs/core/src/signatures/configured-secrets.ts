import { ConfigurationError } from '../errors.js';
import { LIMITS } from '../limits.js';

/** Reads a configured list of secrets, each with the path of its option. An empty or too long list is refused. */
export function readSecrets<Secret, Key>(
  secrets: readonly Secret[],
  option: string,
  read: (secret: Secret, option: string) => Key,
): readonly Key[] {
  if (!Array.isArray(secrets)) {
    throw new ConfigurationError(option, `found ${nameOf(secrets)}; expected a list with at least one secret`);
  }
  if (secrets.length === 0 || secrets.length > LIMITS.secretsMax) {
    throw new ConfigurationError(option, `found ${secrets.length} secrets; expected 1 to ${LIMITS.secretsMax}`);
  }
  return Array.from(secrets as readonly Secret[], (secret, index) => read(secret, `${option}[${index}]`));
}

/** A secret as text. Whitespace around it is dropped: a line break at its end comes from the configuration. */
export function readSecretText(secret: unknown, option: string): string {
  if (typeof secret !== 'string') {
    throw new ConfigurationError(
      option,
      `found ${nameOf(secret)}; expected the secret as text. Set the environment variable it comes from, or leave the entry out`,
    );
  }
  const text = secret.trim();
  if (text === '') {
    throw new ConfigurationError(option, 'found an empty text; expected the secret. Anyone can sign with an empty one');
  }
  return text;
}

function nameOf(value: unknown): string {
  return value === null ? 'null' : typeof value;
}
