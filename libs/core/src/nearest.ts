/** The name that was probably meant: the one with the fewest letters to change, if at least half of them can stay. */
export function nearest(typed: string, names: readonly string[]): string | undefined {
  const ranked = names
    .map((name) => ({ name, changes: changesBetween(typed.toLowerCase(), name.toLowerCase()) }))
    .filter(({ name, changes }) => changes <= Math.max(typed.length, name.length, 4) / 2 || name.includes(typed))
    .sort((a, b) => a.changes - b.changes);
  return ranked[0]?.name;
}

/** Returns the end of an error: the name that was probably meant, or nothing if none comes near. */
export function didYouMean(typed: string, names: readonly string[]): string {
  const near = nearest(typed, names);
  return near === undefined ? '' : ` (did you mean "${near}"?)`;
}

/**
 * Returns how many letters to change until a text fits a pattern, in which `*` stands for any run of characters;
 * `Infinity` if that is more than `changesMax`.
 */
export function changesToFit(pattern: string, text: string, changesMax: number): number {
  return distance(pattern, text, { wildcard: '*', changesMax });
}

function changesBetween(a: string, b: string): number {
  return distance(a, b, { changesMax: Infinity });
}

/** Levenshtein distance, row by row, until it must exceed `changesMax`. */
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
