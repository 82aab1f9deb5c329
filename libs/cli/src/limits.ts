/** Limits of the command line. */
export const LIMITS = Object.freeze({
  /** Milliseconds that `send` waits for a response. Providers wait for 10 seconds. */
  responseMs: 30_000,
  /** Characters of a response that `send` reads. Responses of Runhooks are shorter. */
  responseCharsMax: 10_000,
  /** Characters that `send` prints of a response that is not from Runhooks, for example the page of a proxy. */
  responseCharsShown: 200,
});
