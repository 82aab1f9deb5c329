import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { ConfigurationError } from 'nestjs-runhooks/core';

const OPTION = 'postgresInbox.connectionString';

/** Values of parameters of a connection string. The driver silently ignores any other value. */
const WORDS: Readonly<Record<string, readonly string[]>> = {
  sslmode: ['disable', 'prefer', 'require', 'verify-ca', 'verify-full', 'no-verify'],
  sslnegotiation: ['postgres', 'direct'],
};

/** Parameters with the path of a file, and its content. The driver does not report which file it could not use. */
const FILES: Readonly<Record<string, readonly [content: string, read: (pem: Buffer) => unknown]>> = {
  sslrootcert: ['certificates in PEM', (pem) => new X509Certificate(pem)],
  sslcert: ['a certificate in PEM', (pem) => new X509Certificate(pem)],
  sslkey: ['a private key in PEM, without a passphrase', (pem) => createPrivateKey(pem)],
};

/**
 * Checks a connection string without connecting. Throws {@link ConfigurationError}, which shows only invalid
 * parameters: the driver's own errors would contain the string, and so the password.
 */
export function checkPostgresUrl(text: unknown): asserts text is string {
  if (text === undefined || text === '') {
    throw new ConfigurationError(
      OPTION,
      `expected postgres://user:password@host:port/database, got ${text === '' ? 'an empty string' : 'undefined'}. ` +
        'Set the environment variable it is read from',
    );
  }
  const url = typeof text === 'string' && URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !/^postgres(ql)?:$/.test(url.protocol)) {
    throw new ConfigurationError(
      OPTION,
      'expected postgres://user:password@host:port/database, with a port up to 65535. Escape special characters in the password (%40 for @)',
    );
  }
  const { searchParams } = url;
  for (const [name, words] of Object.entries(WORDS)) {
    const found = searchParams.get(name);
    if (found === null || words.includes(found)) continue;
    throw new ConfigurationError(OPTION, `${name}: expected one of ${words.join(', ')}, got ${JSON.stringify(found)}`);
  }
  const port = searchParams.get('port') ?? '';
  if (port !== '' && !(Number.isInteger(Number(port)) && Number(port) >= 1 && Number(port) <= 65_535)) {
    throw new ConfigurationError(OPTION, `port: expected an integer from 1 to 65535, got ${JSON.stringify(port)}`);
  }
  if (searchParams.get('sslmode') === 'verify-ca' && isCompatible(searchParams) && !searchParams.get('sslrootcert')) {
    throw new ConfigurationError(
      OPTION,
      'sslmode: expected sslrootcert with verify-ca, got none. Pass the certificates of the authority to trust',
    );
  }
}

/** Checks the files in a connection string. Throws {@link ConfigurationError}. */
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
      const remedy = 'Correct the path, or let the user of this process read the file';
      throw new ConfigurationError(OPTION, `${name}: the file cannot be read (${message}). ${remedy}`, { cause });
    }
    try {
      read(pem);
    } catch {
      // Leaves out the cause, because it might quote the file.
      throw new ConfigurationError(OPTION, `${name}: expected ${content}, got another content in ${path}`);
    }
  }
}

function isCompatible(parameters: URLSearchParams): boolean {
  return parameters.get('uselibpqcompat') === 'true';
}
