import type { FuzzCase } from './fuzz-case.js';

const BYTES_SHOWN = 3_000;

/** Ends the run if an invariant is broken. */
export function refute(isFault: boolean, report: () => string): void {
  if (isFault) throw new Error(report());
}

/** Describes a request in enough detail to send it again by hand. */
export function described({ kind, steps, statuses, proven }: FuzzCase): string {
  const actions = steps.map((step) => ('write' in step ? shown(step.write) : JSON.stringify(step)));
  return `${kind} (${statuses?.join(', ') ?? 'any rejection'}; ${proven.length} proven): ${actions.join(' + ')}`;
}

function shown(bytes: Buffer): string {
  const text = JSON.stringify(bytes.subarray(0, BYTES_SHOWN).toString('latin1'));
  return bytes.length > BYTES_SHOWN ? `${text}… (${bytes.length} bytes)` : text;
}
