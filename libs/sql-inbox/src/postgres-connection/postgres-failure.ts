import { StoreUnavailableError } from 'nestjs-runhooks/core';
import { connectRemedy } from './postgres-connect-failure.js';

/** What a standby says where a transaction begins that is to write; elsewhere the code stands for much. */
const NOT_DURING_RECOVERY = '0A000';

/** Classes and codes of https://www.postgresql.org/docs/14/errcodes-appendix.html that say nothing about a row. */
const REMEDIES: Readonly<Record<string, string>> = {
  '08': 'the connection was lost; look at the network and the log of the server',
  [NOT_DURING_RECOVERY]: 'the server may be a standby; connect to the primary',
  '25006': 'the server is read-only; it may be a standby: connect to the primary',
  '25P03': 'the transaction stood still for too long; this process may have been paused',
  '28': 'the server refused the user; correct the name, the password or pg_hba.conf',
  '3D000': 'there is no such database; create it, or name another one',
  '3F000': 'its schema is gone; restart the app, which creates it again, or restore a backup',
  '40': 'it was in conflict with other work each time it was tried',
  '42501': 'the user lacks a right; grant it',
  '42P01': 'a table of its schema is gone; restart the app, which creates it again, or restore a backup',
  '53': 'the server lacks memory, disk space or connections; give it more, or let fewer connections be made',
  '53100': 'the disk of the server is full; free some space',
  '53300': 'the server has no connection left; let replicas open fewer, or put pgbouncer before it',
  '55P03': 'a lock was not to be had in time; look for a transaction that does not end',
  '57014': 'a statement took too long; the server is overloaded, or somebody holds a lock',
  '57': 'the server is shutting down or starting; wait until it is up',
  '58': 'the server reported an error of its system; look at its log',
  XX: 'the server reported an internal error; look at its log',
};

/** The SQLSTATE of an error that a server sent. */
export function sqlState(error: unknown): string | undefined {
  // Not `instanceof`: the app may have another copy of `pg`.
  if (typeof error !== 'object' || error === null) return undefined;
  const { code, severity } = error as { code?: unknown; severity?: unknown };
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) && severity !== undefined ? code : undefined;
}

/** What the driver rejected with, and not what an operation or a handler threw. */
export class DriverError extends Error {
  constructor(override readonly cause: unknown) {
    super('the driver failed', { cause });
  }
}

/** Serialization failures and deadlocks: the transaction is whole again if it is run again. */
export function isConflict(error: unknown): boolean {
  return error instanceof DriverError && (sqlState(error.cause)?.startsWith('40') ?? false);
}

/** Whether a transaction that is to write could not begin, because this is not the primary. */
export function isStandby(error: unknown): boolean {
  return error instanceof DriverError && sqlState(error.cause) === NOT_DURING_RECOVERY;
}

/** What is wrong and what to do, unless the error is about what is in a row. What no server sent is about the connection. */
export function postgresRemedy(error: unknown): string | undefined {
  const state = sqlState(error);
  if (state === undefined) return connectRemedy(error);
  return REMEDIES[state] ?? REMEDIES[state.slice(0, 2)];
}

/** What the driver rejected with becomes a {@link StoreUnavailableError}, unless it is about a row. */
export function postgresFailure(error: unknown, inbox: string): unknown {
  if (!(error instanceof DriverError)) return error;
  const { cause } = error;
  const remedy = postgresRemedy(cause);
  if (remedy === undefined) return cause;
  return new StoreUnavailableError(`the inbox ${inbox} cannot be used: ${remedy} (${saidBy(cause)})`, { cause });
}

/** Where a name stands for several addresses, Node's error has a code and no message. */
export function saidBy(error: unknown): string {
  const { message, code } = error as { message?: unknown; code?: unknown };
  return String(message || code || error);
}
