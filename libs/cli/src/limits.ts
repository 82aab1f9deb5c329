/** Limits of the command line. */
export const LIMITS = Object.freeze({
  /** How long `send` waits for an answer: longer than any app should take, as providers wait for 10 seconds. */
  answerMs: 30_000,
  /** Characters of an answer that are read: more than any of Runhooks has. */
  answerCharsMax: 10_000,
  /** Characters that are shown of an answer that is not from Runhooks, for example the page of a proxy. */
  answerCharsShown: 200,
});
