const SECOND = 1_000;

/** Limits of dispatching over BullMQ, with their units in their names. */
export const BULLMQ_LIMITS = Object.freeze({
  /** Ids of due deliveries in Redis. The transport asks for more when fewer than half of them wait there. */
  offerMax: 500,
  /** Time without a response after which Redis counts as unavailable, and deliveries are claimed from the inbox. */
  responseMs: 2 * SECOND,
  /** Pause before the first attempt to reconnect. It grows by the same amount with each attempt. */
  reconnectMs: 100,
  /** Longest pause before an attempt to reconnect. */
  reconnectMsMax: 2 * SECOND,
  /** Errors within `errorsMs` after which the worker pauses for `reconnectMsMax`. */
  errorsMax: 50,
  errorsMs: SECOND,
});
