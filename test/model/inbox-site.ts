import type { Store } from 'nestjs-runhooks/core';

/** Location of an inbox for one run of a script. */
export interface InboxSite {
  /** True if simultaneous calls return the same results as calls made one after the other. */
  readonly isInOrder: boolean;
  /** Opens the inbox as another process. */
  open(): Promise<Store>;
  /** Cuts all opened processes off from the inbox; the last one may be in the middle of a write. */
  kill(isWriting?: boolean): void;
  /** Deletes the inbox after all processes are closed. */
  remove(): Promise<void>;
}
