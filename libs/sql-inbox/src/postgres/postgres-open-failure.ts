import { ConfigurationError } from 'nestjs-runhooks/core';
import { NewerSchemaError } from '../schema/newer-schema.js';
import { DriverError, postgresRemedy, saidBy, sqlState } from '../postgres-connection/postgres-failure.js';

/** A syntax error, an unknown name of a setting, a value that does not fit: what `options` and its like lead to. */
const PARAMETER_REFUSED = /^(42601|42704|22...)$/;

/** Why the inbox cannot be opened, naming the option and what to do. */
export function postgresOpenFailure(error: unknown, option: string, schema: string): unknown {
  if (error instanceof NewerSchemaError) {
    return new ConfigurationError(
      'postgresInbox.schema',
      `the schema ${schema}: ${error.message}; install that version, or choose another schema`,
      { cause: error },
    );
  }
  if (!(error instanceof DriverError)) return error;
  const { cause } = error;
  const said = saidBy(cause);
  if (sqlState(cause) === '42501') {
    return new ConfigurationError(
      'postgresInbox.schema',
      `the user may not make or use the schema ${schema} (${said}). Let the owner of the database run ` +
        `\`create schema "${schema}" authorization <user>\`; no other right is needed`,
      { cause },
    );
  }
  if (PARAMETER_REFUSED.test(sqlState(cause) ?? '')) {
    return new ConfigurationError(option, `the server refuses a parameter of the connection (${said}); correct it`, {
      cause,
    });
  }
  if (sqlState(cause)?.startsWith('42')) {
    return new ConfigurationError(
      'postgresInbox.schema',
      `the schema ${schema} holds something else (${said}); choose another schema`,
      { cause },
    );
  }
  return new ConfigurationError(option, `${postgresRemedy(cause) ?? 'the server refused'} (${said})`, { cause });
}
