import { describe, expect, it } from '@jest/globals';
import { resolvePostgresOptions, type PostgresInboxOptions } from './postgres-options.js';

const EXPECTED = 'expected postgres://user:password@host:port/database';
const FIX = 'Set the environment variable it is read from';

describe('resolvePostgresOptions', () => {
  it.each<[string, PostgresInboxOptions, string]>([
    [
      'an unset variable',
      { connectionString: process.env['RUNHOOKS_NOT_SET'] },
      `postgresInbox.connectionString: ${EXPECTED}, got undefined. ${FIX}`,
    ],
    [
      'an empty variable',
      { connectionString: '' },
      `postgresInbox.connectionString: ${EXPECTED}, got an empty string. ${FIX}`,
    ],
    ['no options', {}, 'postgresInbox: expected pool or connectionString, got neither'],
  ])('throws for %s', (_, options, message) => {
    expect(() => resolvePostgresOptions(options)).toThrow(expect.objectContaining({ message }));
  });
});
