import { createHash } from 'node:crypto';
import { LIMITS } from '../limits.js';

const MARK = /^(runhooks:[0-9a-f]{16})(?![0-9a-f])/;

/** Returns the mark of an action: `runhooks:` and 16 hexadecimal digits. It is the same for every call with its key. */
export function actionMark(source: string, key: string): string {
  const digest = createHash('sha256')
    .update(JSON.stringify([source, key]))
    .digest('hex');
  return `runhooks:${digest.slice(0, 16)}`;
}

/** Returns the mark that a reason begins with, or `undefined`. */
export function markIn(reason: string | undefined): string | undefined {
  return reason === undefined ? undefined : MARK.exec(reason)?.[1];
}

/**
 * Returns a reason that begins with a mark, cut to what providers accept. Control characters and cut pairs of surrogates become
 * spaces, because databases refuse some of them.
 */
export function markedReason(mark: string, reason: string): string {
  return `${mark} ${reason}`
    .slice(0, LIMITS.actionReasonCharsMax)
    .replaceAll(/[\p{Cc}\p{Cs}]+/gu, ' ')
    .trimEnd();
}
