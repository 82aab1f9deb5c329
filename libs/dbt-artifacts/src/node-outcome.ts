import type { NodeOutcome } from 'nestjs-runhooks/core';

/** Statuses of dbt Core and Fusion, of nodes and of sources, in lower case. */
const OUTCOMES: ReadonlyMap<string, NodeOutcome> = new Map([
  ['success', 'succeeded'],
  ['pass', 'succeeded'],
  // An exposure, or a node without anything to do.
  ['no-op', 'succeeded'],
  // Fusion found that nothing had to run again.
  ['reused', 'succeeded'],
  ['warn', 'warned'],
  ['fail', 'failed'],
  ['error', 'failed'],
  ['runtime error', 'failed'],
  // Some batches of a microbatch model failed.
  ['partial success', 'failed'],
  ['skipped', 'skipped'],
]);

/** Returns what a status in lower case means. A status that Runhooks does not know is never good. */
export function outcomeOf(status: string): NodeOutcome {
  return OUTCOMES.get(status) ?? 'unknown';
}
