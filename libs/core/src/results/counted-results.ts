import type { NodeCounts, NodeKind, NodeOutcome, NodeResult } from '../nodes/node-result.js';
import type { ResultsReading } from '../sources/results-reader.js';
import type { ResultCounts } from '../store/result-store.js';
import { defined } from '../defined.js';

type Counts = { -readonly [Name in keyof NodeCounts]: NodeCounts[Name] };
type AvailableReading = Extract<ResultsReading, { readonly state: 'available' }>;

/** Returns the numbers of a run's results. */
export function countedResults(reading: AvailableReading): ResultCounts {
  const { nodes, unreadableRows, missingSteps, dbtVersion, generatedAt } = reading;
  const counts = noNodes();
  const kinds = new Map<NodeKind, Counts>();
  const statuses = new Map<string, number>();
  for (const { kind, outcome, status } of nodes) {
    const ofKind = kinds.get(kind) ?? noNodes();
    kinds.set(kind, ofKind);
    add(counts, outcome);
    add(ofKind, outcome);
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
  }
  return {
    counts,
    kinds: Object.fromEntries(kinds),
    statuses: Object.fromEntries(statuses),
    unreadableRows,
    missingSteps,
    ...defined({ dbtVersion, generatedAt }),
  };
}

/** Returns the nodes that failed, then those that warned. */
export function failingNodes(nodes: readonly NodeResult[]): NodeResult[] {
  const of = (wanted: NodeOutcome): NodeResult[] => nodes.filter(({ outcome }) => outcome === wanted);
  return [...of('failed'), ...of('warned')];
}

function noNodes(): Counts {
  return { total: 0, succeeded: 0, warned: 0, failed: 0, skipped: 0, unknown: 0 };
}

function add(counts: Counts, outcome: NodeOutcome): void {
  counts.total += 1;
  counts[outcome] += 1;
}
