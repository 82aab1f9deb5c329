/** Parses JSON written by Runhooks, in which the names of dates end in `At`. */
export function parseDated<T>(text: string): T {
  const value = JSON.parse(text) as T;
  reviveDates(value);
  return value;
}

/** Changes the value in place, which is faster than a reviver that `JSON.parse` calls for every value. */
function reviveDates(value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  const members = value as Record<string, unknown>;
  for (const name of Object.keys(members)) {
    const member = members[name];
    if (typeof member !== 'string') reviveDates(member);
    else if (name.endsWith('At')) members[name] = new Date(member);
  }
}
