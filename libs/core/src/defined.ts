/** Returns the fields that are not `undefined`: an absent field must not be an own property. */
export function defined<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const kept: Record<string, unknown> = {};
  for (const name of Object.keys(fields)) {
    const value = (fields as Record<string, unknown>)[name];
    if (value === undefined) continue;
    // An assignment to this name would change the prototype.
    if (name === '__proto__') Object.defineProperty(kept, name, { value, ...OWN });
    else kept[name] = value;
  }
  return kept as { [K in keyof T]?: Exclude<T[K], undefined> };
}

const OWN = { configurable: true, enumerable: true, writable: true } as const;
