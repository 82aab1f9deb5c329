import type { Target } from './targets.js';

/** One thing that a sender does. */
export type Step =
  | { readonly write: Buffer }
  | { readonly pauseMs: number }
  /** Waits for an answer, or the end of the connection, but not longer than this: the server may be waiting too. */
  | { readonly listenMs: number }
  /** Says that no more bytes will come. */
  | { readonly finish: true }
  /** Cuts the connection. */
  | { readonly destroy: true };

/** Bytes whose sender proved itself: these, and no others, may be in the inbox afterwards. */
export interface Proven {
  readonly source: Target['name'];
  readonly body: Buffer;
}

/** What a sender does on one connection, and what must come of it. */
export interface FuzzCase {
  readonly kind: string;
  readonly steps: readonly Step[];
  /**
   * The statuses of the answers, in order, by Runhooks itself; after them the connection serves the next request or is
   * closed. Undefined if HTTP may be at fault: then whoever notices may refuse, or the connection ends.
   */
  readonly statuses: readonly number[] | undefined;
  readonly proven: readonly Proven[];
}

/** After bytes that the server may or may not take for a whole request. */
export const LISTENING: readonly Step[] = [{ listenMs: 100 }, { finish: true }];
