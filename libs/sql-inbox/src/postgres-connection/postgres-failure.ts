import { StoreUnavailableError } from 'nestjs-runhooks/core';
import { connectRemedy } from './postgres-connect-failure.js';

/** SQLSTATE a standby returns when a read-write transaction begins. In other contexts the code has many meanings. */
const NOT_DURING_RECOVERY = '0A000';

/**
 * Cause and remedy by class or code, for errors that are not about a row:
 * https://www.postgresql.org/docs/14/errcodes-appendix.html
 */
const REMEDIES: Readonly<Record<string, string>> = {
  '08': 'the connection was lost; check the network and the log of the server',
  [NOT_DURING_RECOVERY]: 'the server may be a standby; connect to the primary',
  '25006': 'the server is read-only; it may be a standby: connect to the primary',
  '25P03': 'the transaction was idle for too long; this process may have been paused',
  '28': 'the server rejected the user; correct the name, the password or pg_hba.conf',
  '3D000': 'the database does not exist; create it, or use another one',
  '3F000': 'its schema was dropped; restart the app, which creates it again, or restore a backup',
  '40': 'each try conflicted with other work',
  '42501': 'the user lacks a permission; grant it',
  '42P01': 'a table of its schema was dropped; restart the app, which creates it again, or restore a backup',
  '53': 'the server lacks memory, disk space or connections; give it more, or open fewer connections',
  '53100': 'the disk of the server is full; free some space',
  '53300': 'the server has no connection left; open fewer per replica, or use PgBouncer',
  '55P03': 'a lock was not free in time; look for a transaction that does not end',
  '57014': 'a statement took too long; the server is overloaded, or another session holds a lock',
  '57': 'the server is shutting down or starting; wait until it runs',
  '58': 'the server reported a system error; check its log',
  XX: 'the server reported an internal error; check its log',
};

/** Returns the SQLSTATE of an error from a server, or `undefined` for other errors. */
export function sqlState(error: unknown): string | undefined {
  // Not `instanceof`: the app may have another copy of `pg`.
  if (typeof error !== 'object' || error === null) return undefined;
  const { code, severity } = error as { code?: unknown; severity?: unknown };
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) && severity !== undefined ? code : undefined;
}

/** Error that the driver rejected with, as opposed to one that an operation or a handler threw. */
export class DriverError extends Error {
  override readonly name = 'DriverError';

  constructor(override readonly cause: unknown) {
    super('the driver failed', { cause });
  }
}

/** Whether an error is a serialization failure or a deadlock, so that the transaction can be retried. */
export function isConflict(error: unknown): boolean {
  return error instanceof DriverError && (sqlState(error.cause)?.startsWith('40') ?? false);
}

/** Whether a read-write transaction could not begin because the server is not the primary. */
export function isStandby(error: unknown): boolean {
  return error instanceof DriverError && sqlState(error.cause) === NOT_DURING_RECOVERY;
}

/**
 * Returns cause and remedy, or `undefined` if the error is about a row. An error without SQLSTATE is about the
 * connection.
 */
export function postgresRemedy(error: unknown): string | undefined {
  const state = sqlState(error);
  if (state === undefined) return connectRemedy(error);
  return REMEDIES[state] ?? REMEDIES[state.slice(0, 2)];
}

/**
 * Returns a {@link StoreUnavailableError} for an error of the driver, unless it is about a row, and other errors as
 * they are.
 */
export function postgresFailure(error: unknown, inbox: string): unknown {
  if (!(error instanceof DriverError)) return error;
  const { cause } = error;
  const remedy = postgresRemedy(cause);
  if (remedy === undefined) return cause;
  return new StoreUnavailableError(`the inbox ${inbox} cannot be used: ${remedy} (${reasonOf(cause)})`, { cause });
}

/** Returns the message of an error. If a host name has several addresses, Node's error has a code and no message. */
export function reasonOf(error: unknown): string {
  const { message, code } = error as { message?: unknown; code?: unknown };
  return String(message || code || error);
}
