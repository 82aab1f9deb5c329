/** Returns the name with the fewest letters to change, if at least half of the letters match. */
export function nearest(typed: string, names: readonly string[]): string | undefined {
  const ranked = names
    .map((name) => ({ name, changes: distance(typed.toLowerCase(), name.toLowerCase(), { changesMax: Infinity }) }))
    .filter(({ name, changes }) => changes <= Math.max(typed.length, name.length, 4) / 2 || name.includes(typed))
    .sort((a, b) => a.changes - b.changes);
  return ranked[0]?.name;
}

/** Returns a hint for the end of an error, or `''` if no name is similar. */
export function didYouMean(typed: string, names: readonly string[]): string {
  const near = nearest(typed, names);
  return near === undefined ? '' : ` (did you mean "${near}"?)`;
}

/** Returns how many letters to change until a string matches a pattern with `*`, or `Infinity` above `changesMax`. */
export function changesToFit(pattern: string, text: string, changesMax: number): number {
  return distance(pattern, text, { wildcard: '*', changesMax });
}

/** Returns the Levenshtein distance. It stops when the distance exceeds `changesMax`. */
function distance(
  a: string,
  b: string,
  { wildcard, changesMax }: { readonly wildcard?: string; readonly changesMax: number },
): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 0; i < a.length; i++) {
    const isWild = a[i] === wildcard;
    const next = [(row[0] as number) + (isWild ? 0 : 1)];
    for (let j = 0; j < b.length; j++) {
      const [removed, added] = [row[j + 1] as number, next[j] as number];
      const replaced = (row[j] as number) + (b[j] === a[i] ? 0 : 1);
      next.push(isWild ? Math.min(removed, added) : Math.min(replaced, removed + 1, added + 1));
    }
    row = next;
    if (Math.min(...row) > changesMax) return Infinity;
  }
  const changes = row[b.length] as number;
  return changes > changesMax ? Infinity : changes;
}
