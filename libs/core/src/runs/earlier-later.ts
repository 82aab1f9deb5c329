/** Returns the earlier of two times, or the only one that is known. */
export function earlierOf(one: Date | undefined, other: Date): Date;
export function earlierOf(one: Date | undefined, other: Date | undefined): Date | undefined;
export function earlierOf(one: Date | undefined, other: Date | undefined): Date | undefined {
  return one && other && other < one ? other : (one ?? other);
}

/** Returns the later of two times, or the only one that is known. */
export function laterOf(one: Date | undefined, other: Date): Date;
export function laterOf(one: Date | undefined, other: Date | undefined): Date | undefined;
export function laterOf(one: Date | undefined, other: Date | undefined): Date | undefined {
  return one && other && other > one ? other : (one ?? other);
}
