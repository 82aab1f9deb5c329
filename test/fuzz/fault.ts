import type { FuzzCase } from './fuzz-case.js';

const BYTES_SHOWN = 3_000;

/** Ends the run if something is as it must never be. */
export function refute(isFault: boolean, say: () => string): void {
  if (isFault) throw new Error(say());
}

/** Enough to send it again by hand. */
export function described({ kind, steps, statuses, proven }: FuzzCase): string {
  const said = steps.map((step) => ('write' in step ? shown(step.write) : JSON.stringify(step)));
  return `${kind} (${statuses?.join(', ') ?? 'any refusal'}; ${proven.length} proven): ${said.join(' + ')}`;
}

function shown(bytes: Buffer): string {
  const text = JSON.stringify(bytes.subarray(0, BYTES_SHOWN).toString('latin1'));
  return bytes.length > BYTES_SHOWN ? `${text}… (${bytes.length} bytes)` : text;
}
