import { types } from 'node:util';
import { LIMITS } from './limits.js';

/** What is kept of a thrown value; bounded. */
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
    return { name: typeof thrown, message: `something that is no error was thrown: ${String(thrown)}`, stack: '' };
  } catch {
    return { name: typeof thrown, message: 'something was thrown that cannot be shown', stack: '' };
  }
}

/** What is kept of a thrown value. Handlers may throw anything: `undefined`, a text, an object whose properties throw. */
export function attemptError(thrown: unknown): AttemptError {
  const { name, message, stack } = describeThrown(thrown);
  return {
    name: name.slice(0, LIMITS.errorNameCharsMax),
    message: message.slice(0, LIMITS.errorMessageCharsMax),
    stack: stack.slice(0, LIMITS.errorStackCharsMax),
  };
}
