/** Reads JSON that was written from an object of ours: its dates are under names that end in `At`. */
export function parseDated<T>(text: string): T {
  return JSON.parse(text, reviveDates) as T;
}

function reviveDates(key: string, value: unknown): unknown {
  return key.endsWith('At') && typeof value === 'string' ? new Date(value) : value;
}
