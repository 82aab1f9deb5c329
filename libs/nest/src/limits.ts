const SECOND = 1_000;

/** Limits of HTTP and of the Nest module, with their units in their names. */
export const NEST_LIMITS = Object.freeze({
  /** Time from the headers of a request to the end of its body. A slower sender receives a 400, within `bodyCheckMs` more. */
  bodyReadMs: 10 * SECOND,
  /** Time between two checks for bodies that took longer. */
  bodyCheckMs: SECOND,
  /**
   * Requests with an unchecked signature that one app holds; further ones receive a 503. A body of the usual size arrives
   * in one piece and is checked at once, so a burst stays far below.
   */
  bodiesHeldMax: 10_000,
  /** Bytes of the bodies of these requests. */
  bodiesHeldBytesMax: 64 * 1024 * 1024,
  /** Time that a sender has to read a response to a body that is not read, before the connection is closed. */
  lingerMs: 2 * SECOND,
  /** `Retry-After` of a 503, in seconds. */
  retryAfterSeconds: 5,
  /** Time without a 503 after which an outage is logged as over. */
  outageQuietMs: SECOND,
  /** Default of `drainMs`: the time that running handlers have at shutdown before they are aborted. */
  drainMs: 10 * SECOND,
  /** Time from startup to the check for a SIGTERM listener; `main.ts` has added its own by then. */
  signalCheckMs: 5 * SECOND,
  /** Longest name that a minifier gives to a class of a large bundle. */
  minifiedNameCharsMax: 3,
});
