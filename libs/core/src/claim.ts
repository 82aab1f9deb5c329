/** What a claim asks for. A claim holds until it is settled, or until `now + leaseMs`. */
export interface Claim {
  readonly now: Date;
  readonly leaseMs: number;
  /** At most this many. */
  readonly limit: number;
  /** Random token that every later word about the claimed work must name. */
  readonly lease: string;
}

export interface MessageClaim extends Claim {
  /** Only messages of these sources; those of a source that is no longer configured wait. */
  readonly sources: readonly string[];
  /** The source that was served last: those after it have their turn first. @default none */
  readonly after?: string;
}

/** Whose turn it is among deliveries: a source's, of a handler. */
export interface DeliveryTurn {
  readonly handlerId: string;
  readonly source: string;
}

export interface DeliveryClaim extends Claim {
  /** Only deliveries of these handlers. */
  readonly handlerIds: readonly string[];
  /** Only these, if any are named; they need no turn. */
  readonly deliveryIds?: readonly string[];
  /** Who was served last: those after it have their turn first. @default none */
  readonly after?: DeliveryTurn;
}

export interface TaskClaim extends Claim {
  /** Only tasks of these handlers. */
  readonly handlerIds: readonly string[];
  /** Tasks of those of these sources wait that have a message which is due: it may change what a task is about. */
  readonly unlessDue?: readonly string[];
}
