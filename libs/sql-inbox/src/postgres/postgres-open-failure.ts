import { ConfigurationError } from 'nestjs-runhooks/core';
import { NewerSchemaError } from '../schema/newer-schema.js';
import { DriverError, postgresRemedy, reasonOf, sqlState } from '../postgres-connection/postgres-failure.js';

/** SQLSTATEs for wrong connection parameters such as `options`: syntax error, unknown setting, invalid value. */
const PARAMETER_REJECTED = /^(42601|42704|22...)$/;

/** Returns why the inbox cannot be opened, with the option and the remedy. */
export function postgresOpenFailure(error: unknown, option: string, schema: string): unknown {
  if (error instanceof NewerSchemaError) {
    return new ConfigurationError(
      'postgresInbox.schema',
      `the schema ${schema}: ${error.message}. Install that version, or choose another schema`,
      { cause: error },
    );
  }
  if (!(error instanceof DriverError)) return error;
  const { cause } = error;
  const reason = reasonOf(cause);
  if (sqlState(cause) === '42501') {
    return new ConfigurationError(
      'postgresInbox.schema',
      `the user may not create or use the schema ${schema} (${reason}). Let the owner of the database run ` +
        `\`create schema "${schema}" authorization <user>\`; no other permission is needed`,
      { cause },
    );
  }
  if (PARAMETER_REJECTED.test(sqlState(cause) ?? '')) {
    return new ConfigurationError(option, `the server rejects a parameter of the connection (${reason}). Correct it`, {
      cause,
    });
  }
  if (sqlState(cause)?.startsWith('42')) {
    return new ConfigurationError(
      'postgresInbox.schema',
      `the schema ${schema} contains other tables (${reason}). Choose another schema`,
      { cause },
    );
  }
  return new ConfigurationError(
    option,
    `${postgresRemedy(cause) ?? 'the server rejected the connection'} (${reason})`,
    { cause },
  );
}
