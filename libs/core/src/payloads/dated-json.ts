/** Reads JSON that was written from an object of ours: its dates are under names that end in `At`. */
export function parseDated<T>(text: string): T {
  const value = JSON.parse(text) as T;
  reviveDates(value);
  return value;
}

/** In place: `JSON.parse` would call a reviver for every value there is. */
function reviveDates(value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  const members = value as Record<string, unknown>;
  for (const name of Object.keys(members)) {
    const member = members[name];
    if (typeof member !== 'string') reviveDates(member);
    else if (name.endsWith('At')) members[name] = new Date(member);
  }
}
