import { LIMITS } from '../limits.js';
import { oneLine } from '../one-line.js';

/** Ids of what a line is about, for log tools that search by fields. The text of the line names them, too. */
export interface LogFields {
  readonly source?: string | undefined;
  readonly messageId?: string | undefined;
  readonly eventId?: string | undefined;
  /** The provider's own id of the run. */
  readonly runId?: string | undefined;
  readonly handlerId?: string | undefined;
  readonly deliveryId?: string | undefined;
  /** Key of an action. In handlers it is usually the id of the delivery, or begins with it. */
  readonly actionKey?: string | undefined;
  /** Number of the delivery's attempt, from 1. */
  readonly attempt?: number | undefined;
}

/** Names the reason for a warning or an error. It stays the same when the text changes, so alerts can rely on it. */
export type LogCode = `RUNHOOKS_${Uppercase<string>}`;

/** Fields of a warning or an error. The line ends with the code in brackets. */
export interface CodedLogFields extends LogFields {
  readonly code: LogCode;
}

/**
 * The part of Nest's `LoggerService` that Runhooks uses. Lines hold ids, and names of jobs and the like; never secrets,
 * and nothing else of a payload.
 */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  log(message: string, fields?: LogFields): void;
  warn(message: string, fields: CodedLogFields): void;
  error(message: string, fields: CodedLogFields): void;
}

/** Returns the arguments that a host's logger is called with for a line that has fields. */
export type LogArguments = (
  message: string,
  fields: LogFields & { readonly code?: LogCode },
) => readonly [unknown, ...unknown[]];

/** Methods of a host's logger, as Nest's `LoggerService` declares them. */
interface HostLogger {
  debug(message: unknown, ...more: unknown[]): void;
  log(message: unknown, ...more: unknown[]): void;
  warn(message: unknown, ...more: unknown[]): void;
  error(message: unknown, ...more: unknown[]): void;
}

/**
 * The only way from Runhooks to a host's logger. Names, paths and errors from outside are part of nearly every line, so
 * each line and each field is made printable here ({@link oneLine}), as a whole, and none can be forgotten. A host's
 * logger that throws costs its line, and never a webhook or a delivery: there is nowhere left to report it. Without
 * `logArguments` the host's logger is given the line alone.
 */
export function lineLogger(host: HostLogger, logArguments?: LogArguments): Logger {
  const writer = (level: keyof Logger) => (message: string, fields?: LogFields & { readonly code?: LogCode }) => {
    try {
      const line = lineOf(message, fields?.code);
      if (!logArguments || !fields) return host[level](line);
      const [first, ...more] = logArguments(line, printable(fields));
      host[level](first, ...more);
    } catch {
      // A logger that throws loses its line; nothing else can report that.
    }
  };
  return Object.freeze({ debug: writer('debug'), log: writer('log'), warn: writer('warn'), error: writer('error') });
}

function lineOf(message: string, code: LogCode | undefined): string {
  if (code === undefined) return oneLine(message);
  const end = ` [${code}]`;
  return oneLine(message, LIMITS.lineCharsMax - end.length) + end;
}

/** Returns a copy without undefined fields. */
function printable(fields: LogFields): LogFields {
  const known = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(known.map(([name, value]) => [name, typeof value === 'string' ? oneLine(value) : value]));
}
