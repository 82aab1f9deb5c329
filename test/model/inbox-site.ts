import type { Store } from 'nestjs-runhooks/core';

/** Where an inbox is kept, for one run of a script. */
export interface InboxSite {
  /** Whether what is said at once is answered as if it was said one after the other. */
  readonly isInOrder: boolean;
  /** A process that works on the inbox. */
  open(): Promise<Store>;
  /** From here on nothing of the processes opened so far reaches the inbox; the last one may be in the middle of a write. */
  kill(isWriting?: boolean): void;
  /** When all processes are closed. */
  remove(): Promise<void>;
}
