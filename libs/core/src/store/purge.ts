/** What is old enough to go. */
export interface Purge {
  /** Settled messages received before, with their events, deliveries and attempts. */
  readonly settledBefore: Date;
  /** The same for messages that led to a dead letter. */
  readonly deadBefore: Date;
  /**
   * Duplicate keys whose message is gone, operators' decisions, runs, and runs that wait at a barrier, last changed before. What is known of
   * jobs stays.
   */
  readonly keysBefore: Date;
  /** Tasks that were due before and that nobody holds: those of handlers that are gone. */
  readonly tasksBefore: Date;
  /** Rows of each kind that one call may remove. */
  readonly limit: number;
  /** How little may go after the clock jumped. Without it nothing is held back. */
  readonly brake?: PurgeBrake;
}

/**
 * Who removes by age trusts the clock. After it moved by more than `LIMITS.clockJumpMs` at once (since a process last
 * registered, or purged with a brake), only so much may go in an hour, for as long as `LIMITS.purgeBrakeMs`.
 */
export interface PurgeBrake {
  readonly now: Date;
  /** Rows of all kinds together, as a share of the messages in the inbox. */
  readonly share: number;
  /** However few messages there are, so many rows. */
  readonly rowsMin: number;
}

/** How many rows of each kind were removed. */
export interface Purged {
  /** Messages, each with all that came of it. */
  readonly messages: number;
  readonly keys: number;
  readonly runs: number;
  readonly barriers: number;
  /** Operators' decisions. */
  readonly decisions: number;
  readonly tasks: number;
  /** The jump of the clock because of which the rest stays for now. */
  readonly heldBackBy?: ClockJump;
}

export interface ClockJump {
  readonly at: Date;
  /** How far, in milliseconds; negative: back. */
  readonly ms: number;
}

/** The rows of all kinds together. */
export function rowsOf({ messages, keys, runs, barriers, decisions, tasks }: Purged): number {
  return messages + keys + runs + barriers + decisions + tasks;
}
