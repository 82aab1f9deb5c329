import { NEST_LIMITS } from '../limits.js';

/** The share of one request in {@link HeldBodies}. */
export interface HeldBody {
  /** Sets the number of bytes of the request. Returns `false` and changes nothing if they exceed the limit. */
  resize(bytes: number): boolean;
  /** Releases the bytes. A second call does nothing. */
  release(): void;
}

/**
 * Counts the request bodies of one app, across its sources, whose signatures are not checked yet. Anyone can send such
 * bodies, so requests beyond the limits are rejected before they fill the memory.
 */
export class HeldBodies {
  readonly #limits: { readonly requestsMax: number; readonly bytesMax: number };
  #requests = 0;
  #bytes = 0;

  constructor(limits: { readonly requestsMax: number; readonly bytesMax: number }) {
    this.#limits = limits;
  }

  /** Returns an instance with the default limits, and with room for the largest body that a source accepts. */
  static of(sources: readonly { readonly bodyBytesMax: number }[]): HeldBodies {
    const bytesMax = Math.max(NEST_LIMITS.bodiesHeldBytesMax, ...sources.map(({ bodyBytesMax }) => bodyBytesMax));
    return new HeldBodies({ requestsMax: NEST_LIMITS.bodiesHeldMax, bytesMax });
  }

  /** Both are 0 if no request is being received. */
  get held(): { readonly requests: number; readonly bytes: number } {
    return { requests: this.#requests, bytes: this.#bytes };
  }

  /** Returns `undefined` if too many requests already hold a body. */
  hold(): HeldBody | undefined {
    if (this.#requests >= this.#limits.requestsMax) return undefined;
    this.#requests += 1;
    let held = 0;
    let isHeld = true;
    return {
      resize: (bytes) => {
        if (isHeld && this.#bytes - held + bytes > this.#limits.bytesMax) return false;
        if (isHeld) this.#bytes += bytes - held;
        held = bytes;
        return true;
      },
      release: () => {
        if (!isHeld) return;
        isHeld = false;
        this.#requests -= 1;
        this.#bytes -= held;
      },
    };
  }
}
