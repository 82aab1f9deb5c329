import { LIMITS } from 'nestjs-runhooks/core';

export interface HeldBodiesLimits {
  readonly requestsMax: number;
  readonly bytesMax: number;
}

/** The part of one request in {@link HeldBodies}. */
export interface HeldBody {
  /** Sets how many bytes the request holds. False, and nothing changes, if that is more than there is room for. */
  resize(bytes: number): boolean;
  /** Gives the room back; calling it again does nothing. */
  release(): void;
}

/**
 * Counts the bodies of one app, over all its sources, whose signature has not been checked yet: anybody can make an app
 * hold those. What comes beyond the limits is refused instead of filling the memory.
 */
export class HeldBodies {
  readonly #limits: HeldBodiesLimits;
  #requests = 0;
  #bytes = 0;

  constructor(limits: HeldBodiesLimits) {
    this.#limits = limits;
  }

  /** A body as large as a source accepts must fit, however large that is. */
  static of(sources: readonly { readonly bodyBytesMax: number }[]): HeldBodies {
    const bytesMax = Math.max(LIMITS.bodiesHeldBytesMax, ...sources.map(({ bodyBytesMax }) => bodyBytesMax));
    return new HeldBodies({ requestsMax: LIMITS.bodiesHeldMax, bytesMax });
  }

  /** Both are 0 while no request is under way. */
  get held(): { readonly requests: number; readonly bytes: number } {
    return { requests: this.#requests, bytes: this.#bytes };
  }

  /** Undefined if too many requests hold a body already. */
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
