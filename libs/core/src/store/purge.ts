/** Age limits for one step of a purge. */
export interface Purge {
  /**
   * Finished messages received before this time are removed, with their events, deliveries and attempts. So are events
   * without a message that were recorded before this time, and results that last changed before it, once the messages of
   * their run are removed.
   */
  readonly finishedBefore: Date;
  /** Like {@link finishedBefore}, for messages and events that led to a dead letter. */
  readonly deadBefore: Date;
  /**
   * Deduplication keys of purged messages, operators' decisions, runs, waits of fan-ins, and actions that last changed before
   * this time are removed, but no action with a lease that has not ended, or whose event is kept. The states of jobs are kept.
   */
  readonly deduplicationBefore: Date;
  /** Ids of nodes that did not fail are removed from results that last changed before this time. They are not counted. */
  readonly goodBefore: Date;
  /** Nodes that no run has observed since this time are removed, with their incidents. */
  readonly nodesBefore: Date;
  /** Unclaimed tasks that were due before this time are removed. Their handlers are missing. */
  readonly tasksBefore: Date;
  /** Largest number of rows of each kind that one call may remove. */
  readonly limit: number;
  /** Limit for the time after a clock jump. @default no limit */
  readonly brake?: PurgeBrake;
}

/**
 * Limit for purging after a clock jump, because removal by age trusts the clock. It applies if the time changed by more
 * than 10 minutes at once since the last registration or purge with a brake (`isClockJump`). For 24 hours after the jump
 * (`isBraking`), one hour may remove `share` of the messages, or `rowsMin` rows if that is more.
 */
export interface PurgeBrake {
  readonly now: Date;
  /** Rows of all kinds that one hour may remove, as a share (0 to 1) of the messages in the inbox. */
  readonly share: number;
  /** Number of rows that one hour may always remove. */
  readonly rowsMin: number;
}

/** Numbers of removed rows. */
export interface Purged {
  /** Messages; their events, deliveries and attempts are not counted. */
  readonly messages: number;
  /** Events that follow from no message; their deliveries and attempts are not counted. */
  readonly events: number;
  /** Results of runs. */
  readonly results: number;
  /** States of nodes that had failed. */
  readonly nodes: number;
  /** Deduplication keys. */
  readonly keys: number;
  readonly runs: number;
  /** Waits of fan-ins. */
  readonly barriers: number;
  /** Operators' decisions. */
  readonly decisions: number;
  readonly tasks: number;
  /** Actions at providers. */
  readonly actions: number;
  /** Clock jump whose brake keeps the remaining rows; absent if no brake applied. */
  readonly heldBackBy?: ClockJump;
}

/** Result of a purge that has removed nothing. */
export const NOTHING_PURGED: Purged = Object.freeze({
  messages: 0,
  events: 0,
  results: 0,
  nodes: 0,
  keys: 0,
  runs: 0,
  barriers: 0,
  decisions: 0,
  tasks: 0,
  actions: 0,
});

/** Sudden change of the time. */
export interface ClockJump {
  readonly at: Date;
  /** Size of the jump, in milliseconds; negative if the time went back. */
  readonly ms: number;
}

/** Returns the number of removed rows of all kinds. */
export function rowsOf(removed: Purged): number {
  const { messages, events, results, nodes, keys, runs, barriers, decisions, tasks, actions } = removed;
  return messages + events + results + nodes + keys + runs + barriers + decisions + tasks + actions;
}
