import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { ConfigurationError } from 'nestjs-runhooks/core';

const OPTION = 'postgresInbox.connectionString';

/** Parameters of a connection string that take one of a few words; the driver ignores any other word in silence. */
const WORDS: Readonly<Record<string, readonly string[]>> = {
  sslmode: ['disable', 'prefer', 'require', 'verify-ca', 'verify-full', 'no-verify'],
  sslnegotiation: ['postgres', 'direct'],
};

/** Parameters that name a file, and what must be in it. The driver does not say which of them it could not use. */
const FILES: Readonly<Record<string, readonly [content: string, read: (pem: Buffer) => unknown]>> = {
  sslrootcert: ['certificates in PEM', (pem) => new X509Certificate(pem)],
  sslcert: ['a certificate in PEM', (pem) => new X509Certificate(pem)],
  sslkey: ['a private key in PEM, without a passphrase', (pem) => createPrivateKey(pem)],
};

/**
 * Checks a connection string by its text alone. Throws {@link ConfigurationError}, which shows nothing of it but the
 * words that are wrong: the driver's own errors would carry the text, and so the password.
 */
export function checkPostgresUrl(text: unknown): asserts text is string {
  if (text === undefined || text === '') {
    throw new ConfigurationError(
      OPTION,
      `found ${text === '' ? 'an empty string' : 'undefined'}; expected postgres://user:password@host:port/database. ` +
        'Set the environment variable it comes from',
    );
  }
  const url = typeof text === 'string' && URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !/^postgres(ql)?:$/.test(url.protocol)) {
    throw new ConfigurationError(
      OPTION,
      'expected postgres://user:password@host:port/database, with a port up to 65535 and what is special in the password escaped (%40 for @)',
    );
  }
  const { searchParams } = url;
  for (const [name, words] of Object.entries(WORDS)) {
    const found = searchParams.get(name);
    if (found === null || words.includes(found)) continue;
    throw new ConfigurationError(
      OPTION,
      `${name}: found ${JSON.stringify(found)}; expected one of ${words.join(', ')}`,
    );
  }
  const port = searchParams.get('port') ?? '';
  if (port !== '' && !(Number.isInteger(Number(port)) && Number(port) >= 1 && Number(port) <= 65_535)) {
    throw new ConfigurationError(OPTION, `port: found ${JSON.stringify(port)}; expected a number from 1 to 65535`);
  }
  if (searchParams.get('sslmode') === 'verify-ca' && isCompatible(searchParams) && !searchParams.get('sslrootcert')) {
    throw new ConfigurationError(OPTION, 'sslmode: found verify-ca without sslrootcert; name the authority to trust');
  }
}

/** Checks the files that a connection string names, as they are now. Throws {@link ConfigurationError}. */
export function checkPostgresFiles(connectionString: string): void {
  const { searchParams } = new URL(connectionString);
  for (const [name, [content, read]] of Object.entries(FILES)) {
    const path = searchParams.get(name);
    if (!path) continue;
    let pem: Buffer;
    try {
      pem = readFileSync(path);
    } catch (cause) {
      const { message } = cause as Error;
      const remedy = 'correct the path, or let the user of this process read the file';
      throw new ConfigurationError(OPTION, `${name}: the file cannot be read (${message}); ${remedy}`, { cause });
    }
    try {
      read(pem);
    } catch {
      // Without the cause: it might quote the file.
      throw new ConfigurationError(OPTION, `${name}: ${path} does not hold ${content}`);
    }
  }
}

function isCompatible(parameters: URLSearchParams): boolean {
  return parameters.get('uselibpqcompat') === 'true';
}
