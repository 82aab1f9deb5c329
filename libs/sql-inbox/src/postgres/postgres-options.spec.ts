import { describe, expect, it } from '@jest/globals';
import { resolvePostgresOptions, type PostgresInboxOptions } from './postgres-options.js';

const EXPECTED = 'expected postgres://user:password@host:port/database. Set the environment variable it comes from';

describe('resolvePostgresOptions', () => {
  it.each<[string, PostgresInboxOptions, string]>([
    [
      'a variable that is not set',
      { connectionString: process.env['RUNHOOKS_NOT_SET'] },
      `postgresInbox.connectionString: found undefined; ${EXPECTED}`,
    ],
    [
      'an empty variable',
      { connectionString: '' },
      `postgresInbox.connectionString: found an empty string; ${EXPECTED}`,
    ],
    ['no options', {}, 'postgresInbox: found neither pool nor connectionString; expected one of them'],
  ])('refuses %s', (_, options, message) => {
    expect(() => resolvePostgresOptions(options)).toThrow(expect.objectContaining({ message }));
  });
});
