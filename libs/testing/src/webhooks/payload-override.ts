/**
 * Fields to change in a built payload, at any depth. Objects are merged, other values replace the field, and `undefined`
 * removes it.
 */
export type PayloadOverride = { readonly [field: string]: unknown };

/** Returns a copy of `payload` with the changes. */
export function overridePayload(payload: PayloadOverride, override: PayloadOverride): PayloadOverride {
  const fields = new Map(Object.entries(payload));
  for (const [name, value] of Object.entries(override)) {
    const present = fields.get(name);
    if (value === undefined) fields.delete(name);
    else fields.set(name, isFields(present) && isFields(value) ? overridePayload(present, value) : value);
  }
  return Object.fromEntries(fields);
}

function isFields(value: unknown): value is PayloadOverride {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}
