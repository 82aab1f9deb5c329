/** Words for an end that may be a failure. */
const MAYBE_FAILED: ReadonlySet<string> = new Set(['timeout', 'timed_out', 'killed', 'aborted', 'failed', 'failure']);

/** Returns a provider's status in the form in which statuses are compared: `Timed out` becomes `timed_out`. */
export function statusWord(status: string | null | undefined): string {
  return (status ?? '')
    .trim()
    .toLowerCase()
    .replace(/[\s-]+/g, '_');
}

/** Returns whether a status word means a failure if the message reports an error as well. */
export function isMaybeFailed(word: string): boolean {
  return MAYBE_FAILED.has(word);
}
