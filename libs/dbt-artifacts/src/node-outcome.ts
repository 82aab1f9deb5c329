import type { NodeOutcome } from 'nestjs-runhooks/core';

/** Statuses of dbt Core and Fusion, of nodes and of sources, in lower case and without separators. */
const OUTCOMES: ReadonlyMap<string, NodeOutcome> = new Map([
  ['success', 'succeeded'],
  ['pass', 'succeeded'],
  // An exposure, or a node without anything to do.
  ['noop', 'succeeded'],
  // Fusion found that nothing had to run again.
  ['reused', 'succeeded'],
  ['warn', 'warned'],
  ['fail', 'failed'],
  ['error', 'failed'],
  ['runtimeerror', 'failed'],
  // Some batches of a microbatch model failed.
  ['partialsuccess', 'failed'],
  ['skipped', 'skipped'],
]);

const separators = /[ _-]/g;

/**
 * Returns what a status in lower case means. A status that Runhooks does not know is never good. `runtime error` and
 * `RuntimeError` are the same, because Fusion writes some statuses as the names of its types.
 */
export function outcomeOf(status: string): NodeOutcome {
  return OUTCOMES.get(status.replaceAll(separators, '')) ?? 'unknown';
}
