import { deepEqual } from 'node:assert/strict';

/** Compares values by content, because values of a driver or the runtime have other prototypes than those of a test. */
export function same(found: unknown, expected: unknown, message?: string): void {
  try {
    deepEqual(plain(found), plain(expected));
  } catch (error) {
    if (message === undefined) throw error;
    throw new Error(`${message}: ${(error as Error).message}`, { cause: error });
  }
}

function plain(value: unknown): unknown {
  if (ArrayBuffer.isView(value))
    return `bytes ${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('hex')}`;
  if (value instanceof Date) return `time ${value.toISOString()}`;
  if (value instanceof Error) return `error ${value.stack}`;
  if (Array.isArray(value)) return Array.from(value as unknown[], plain);
  if (typeof value !== 'object' || value === null) return value;
  const fields = Object.entries(value).flatMap(([name, field]) => (field === undefined ? [] : [[name, plain(field)]]));
  return Object.fromEntries(fields) as unknown;
}
