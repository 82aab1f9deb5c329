import type { Target } from './targets.js';

/** One action of a sender. */
export type Step =
  | { readonly write: Buffer }
  | { readonly pauseMs: number }
  /** Waits for a response or the end of the connection, but only this long because the server may be waiting, too. */
  | { readonly listenMs: number }
  /** Ends the sending side. */
  | { readonly finish: true }
  /** Cuts the connection. */
  | { readonly destroy: true };

/** A body with valid proof of its sender. Only such bodies may be in the inbox afterwards. */
export interface Proven {
  readonly source: Target['name'];
  readonly body: Buffer;
}

/** The actions of a sender on one connection, and the expected result. */
export interface FuzzCase {
  readonly kind: string;
  readonly steps: readonly Step[];
  /**
   * The expected statuses of Runhooks' responses, in order; after them the connection serves the next request or is
   * closed. Undefined for faulty HTTP, where the HTTP parser may respond or the connection may end.
   */
  readonly statuses: readonly number[] | undefined;
  readonly proven: readonly Proven[];
}

/** Steps after bytes that the server may or may not treat as a complete request. */
export const LISTENING: readonly Step[] = [{ listenMs: 100 }, { finish: true }];
