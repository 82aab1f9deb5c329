/** The earlier of two times, as far as they are known. */
export function earlierOf(one: Date | undefined, other: Date): Date;
export function earlierOf(one: Date | undefined, other: Date | undefined): Date | undefined;
export function earlierOf(one: Date | undefined, other: Date | undefined): Date | undefined {
  return one && other && other < one ? other : (one ?? other);
}

/** The later of two times, as far as they are known. */
export function laterOf(one: Date | undefined, other: Date): Date;
export function laterOf(one: Date | undefined, other: Date | undefined): Date | undefined;
export function laterOf(one: Date | undefined, other: Date | undefined): Date | undefined {
  return one && other && other > one ? other : (one ?? other);
}
