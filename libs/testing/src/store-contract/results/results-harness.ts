import { ok } from 'node:assert/strict';
import type {
  ClaimedDelivery,
  NewResults,
  NodeResult,
  NodesDecision,
  NodesStep,
  NodeState,
  ResultCounts,
  ResultStore,
  RunKey,
  RunState,
} from 'nestjs-runhooks/core';
import { at, MUCH_LATER, onlyOne, SOURCE, type StoreHarness } from '../store-harness.js';

/** Scope of all runs, unless a case differs. */
export const SCOPE = '{"accountId":"1","environment":"6","project":"5"}';
/** Scope with the place of {@link SCOPE}. */
export const SCOPE_WITH_TARGET = '{"accountId":"1","environment":"6","project":"5","target":"prod"}';
/** Scope with another place. */
export const OTHER_SCOPE = '{"accountId":"1","environment":"8","project":"5"}';
const READER = 'reader of results';

const STATE: RunState = { jobKey: '1/7', outcome: 'failed', contradicted: false, types: ['run.completed'] };

/** Returns the verbs of a store with results. */
export function resultsOf({ store }: StoreHarness): ResultStore {
  ok(store.results, 'expected a store with results');
  return store.results;
}

export function runOf(runId: string): RunKey {
  return { source: SOURCE, accountId: '1', runId };
}

/** Stores a message about a completed run, and claims the delivery of its event to the handler that reads results. */
export async function claimedFor(harness: StoreHarness, runId = '7'): Promise<ClaimedDelivery> {
  const id = `run.completed:${SOURCE}/1/${runId}`;
  const event = harness.event({ id, type: 'run.completed', handlerIds: [READER] });
  await harness.append();
  const decide = () => ({ run: STATE, events: [event] });
  await harness.record(await harness.takeMessages(), { run: runOf(runId), decide });
  return onlyOne(await harness.takeDeliveries({ handlerIds: [READER], leaseMs: MUCH_LATER }));
}

/** Claims the delivery of a run, and saves results that are about to be recorded. */
export async function savedFor(
  harness: StoreHarness,
  runId: string,
  fields: Omit<Parameters<typeof newResults>[0], 'runId'> = {},
): Promise<ClaimedDelivery> {
  const held = await claimedFor(harness, runId);
  ok(await resultsOf(harness).save(held, newResults({ runId, ...fields }), at(0)));
  return held;
}

const NO_NODES = { total: 0, succeeded: 0, warned: 0, failed: 0, skipped: 0, unknown: 0 };

export const COUNTS: ResultCounts = {
  counts: { ...NO_NODES, total: 1, failed: 1 },
  kinds: { model: { ...NO_NODES, total: 1, failed: 1 } },
  statuses: { error: 1 },
  unreadableRows: 2,
  missingSteps: [{ step: { id: '2', name: 'dbt test' }, reason: 'not-written' }],
  dbtVersion: '1.9.0',
  generatedAt: at(-5),
};

/** Returns results of a run that ended at `endMs`, by default available ones. */
export function newResults({
  runId = '7',
  endMs = 0,
  scope = SCOPE,
  failing = [],
  good = [],
  content,
}: {
  readonly runId?: string;
  readonly endMs?: number;
  readonly scope?: string | undefined;
  readonly failing?: readonly NodeResult[];
  readonly good?: readonly string[];
  readonly content?: NewResults['content'];
} = {}): NewResults {
  return {
    run: runOf(runId),
    finishedAt: at(endMs),
    ...(scope !== undefined && { scope }),
    content: content ?? { state: 'available', counts: COUNTS, failing, good, skipped: ['model.shop.skipped'] },
  };
}

/** Returns results that nobody asks for. */
export function unread(fields: { observedSince?: number; handlers?: readonly string[] } = {}): NewResults['content'] {
  const { observedSince = 0, handlers = [] } = fields;
  return { state: 'unread', observedSince: at(observedSince), handlers };
}

export function failedNode(uniqueId: string, fields: Partial<NodeResult> = {}): NodeResult {
  return { uniqueId, kind: 'model', name: uniqueId, outcome: 'failed', status: 'error', ...fields };
}

export function nodeIds(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `model.shop.m${String(index).padStart(4, '0')}`);
}

/** Returns the state of a node whose incident a run has opened. */
export function openState(runId: string, { endMs = 0, observedMs = 0 } = {}): NodeState {
  const run = { accountId: '1', runId, finishedAt: at(endMs) };
  return {
    incident: { openedAt: at(endMs), latestFailureAt: at(endMs), failures: 1, runs: [run] },
    history: [{ ...run, outcome: 'failed', status: 'error' }],
    observedAt: at(observedMs),
  };
}

/** Returns a step that decides nothing, except for the given fields. */
export function stepOf(
  fields: Partial<NodesStep> & { runId?: string; decided?: Partial<NodesDecision> } = {},
): NodesStep {
  const { runId = '7', decided, ...rest } = fields;
  return {
    run: runOf(runId),
    scope: SCOPE,
    from: 0,
    to: 1,
    nodeIds: [...(decided?.nodes?.keys() ?? [])],
    handlers: [],
    decide: () => ({ nodes: new Map(), events: [], tasks: [], ...decided }),
    ...rest,
  };
}

/** Records one node of a run as failed, in a step of its own. */
export async function recordFailure(
  harness: StoreHarness,
  runId: string,
  nodeId: string,
  { scope = SCOPE, endMs = 0, observedMs = 0 } = {},
): Promise<ClaimedDelivery> {
  const held = await savedFor(harness, runId, { scope, endMs, failing: [failedNode(nodeId)] });
  const nodes = new Map([[nodeId, openState(runId, { endMs, observedMs })]]);
  await resultsOf(harness).recordNodes(
    held,
    stepOf({ runId, scope, isLast: true, decided: { nodes } }),
    at(observedMs),
  );
  return held;
}
