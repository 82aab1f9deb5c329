import { oneLine } from './one-line.js';

/**
 * The part of Nest's `LoggerService` that Runhooks uses. Lines hold ids, and names of jobs and the like; never secrets,
 * and nothing else of a payload.
 */
export interface Logger {
  debug(message: string): void;
  log(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}

/**
 * The only way from Runhooks to a host's logger. Names, paths and errors from outside are part of nearly every line, so
 * each line is made printable here ({@link oneLine}), as a whole, and none can be forgotten. A host's logger that
 * throws costs its line, and never a webhook or a delivery: there is nowhere left to report it.
 */
export function lineLogger(host: Logger): Logger {
  const writer = (level: keyof Logger) => (message: string) => {
    try {
      host[level](oneLine(message));
    } catch {
      // See above.
    }
  };
  return Object.freeze({ debug: writer('debug'), log: writer('log'), warn: writer('warn'), error: writer('error') });
}
