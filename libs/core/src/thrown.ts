import { types } from 'node:util';
import { isRunhooksError } from './errors.js';
import { LIMITS } from './limits.js';
import { oneLine } from './one-line.js';

/** The part of a thrown value that is kept; bounded. */
export interface AttemptError {
  readonly name: string;
  readonly message: string;
  readonly stack: string;
}

function describeThrown(thrown: unknown): AttemptError {
  try {
    // Node's own errors are of another realm where a test runner has made one of its own.
    if (thrown instanceof Error || types.isNativeError(thrown)) {
      return { name: String(thrown.name), message: String(thrown.message), stack: String(thrown.stack ?? '') };
    }
    return { name: typeof thrown, message: `a value that is not an error was thrown: ${String(thrown)}`, stack: '' };
  } catch {
    return { name: typeof thrown, message: 'a value that cannot be shown was thrown', stack: '' };
  }
}

/** Returns a thrown value as `Name: message`, for a line of the log. */
export function describeError(thrown: unknown): string {
  const { name, message } = attemptError(thrown);
  return `${name}: ${message}`;
}

/**
 * Returns the error of a call to a provider as `Name: message`, in one line. The message of an error that is not from Runhooks is
 * left out, because it may quote an answer.
 */
export function describeFailure(error: unknown): string {
  return oneLine(isRunhooksError(error) ? describeError(error) : attemptError(error).name);
}

/** Returns the kept part of a thrown value. Handlers may throw anything: `undefined`, a string, an object whose properties throw. */
export function attemptError(thrown: unknown): AttemptError {
  const { name, message, stack } = describeThrown(thrown);
  return {
    name: name.slice(0, LIMITS.errorNameCharsMax),
    message: message.slice(0, LIMITS.errorMessageCharsMax),
    stack: stack.slice(0, LIMITS.errorStackCharsMax),
  };
}
