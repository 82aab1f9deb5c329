import { equal } from 'node:assert/strict';
import type { NodeSelection, NodeSummary } from 'nestjs-runhooks/core';
import { at, SOURCE, type StoreHarness } from '../store-harness.js';
import type { ContractCase } from '../contract-case.js';
import { same } from '../same.js';
import { openState, OTHER_SCOPE, recordFailure, resultsOf, savedFor, SCOPE, stepOf } from './results-harness.js';

const A = 'model.shop.a';
const B = 'model.shop.b';
const KEY = { source: SOURCE, scope: SCOPE, nodeId: A };

async function list(
  harness: StoreHarness,
  selection: NodeSelection = {},
  { limit = 50, since = 0 } = {},
): Promise<NodeSummary[]> {
  const found: NodeSummary[] = [];
  let after: string | undefined;
  do {
    const request = { limit, ...(after !== undefined && { after }) };
    const page = await resultsOf(harness).nodes(selection, request, at(since));
    found.push(...page.items);
    after = page.next;
  } while (after !== undefined);
  return found;
}

const names = (nodes: readonly NodeSummary[]): string[] => nodes.map(({ scope, nodeId }) => `${nodeId} ${scope}`);

/** Cases for a store with results. */
export const nodesCases: readonly ContractCase[] = [
  {
    title: 'results.nodes: lists nodes page by page, last observed first',
    run: async (harness) => {
      await recordFailure(harness, '1', A, { observedMs: 1 });
      await recordFailure(harness, '2', B, { observedMs: 2 });
      await recordFailure(harness, '3', A, { observedMs: 2, scope: OTHER_SCOPE });
      const all = await list(harness);
      same(names(all), [`${A} ${OTHER_SCOPE}`, `${B} ${SCOPE}`, `${A} ${SCOPE}`]);
      same(await list(harness, {}, { limit: 1 }), all);
      const scopeParts = { accountId: '1', environment: '6', project: '5' };
      same(all[2], { ...KEY, scopeParts, ...openState('1', { observedMs: 1 }) });
      same(await resultsOf(harness).nodes({}, { after: 'nonsense' }, at(0)), { items: [] });
    },
  },
  {
    title: 'results.nodes: selects by source, by node, and by open incident',
    run: async (harness) => {
      await recordFailure(harness, '1', A, { observedMs: 1 });
      await recordFailure(harness, '2', B, { observedMs: 2 });
      const held = await savedFor(harness, '3');
      const { incident: _, ...ended } = openState('3', { observedMs: 3 });
      const nodes = new Map([['model.shop.c', ended]]);
      await resultsOf(harness).recordNodes(held, stepOf({ runId: '3', decided: { nodes } }), at(3));
      const ids = async (selection: NodeSelection, since = 0): Promise<string[]> =>
        (await list(harness, selection, { since })).map(({ nodeId }) => nodeId);
      same(await ids({ nodeId: A }), [A]);
      same([await ids({ source: SOURCE, nodeId: B }), await ids({ source: 'another' })], [[B], []]);
      same([await ids({ hasIncident: true }), await ids({ hasIncident: false })], [[B, A], ['model.shop.c']]);
      same([await ids({ hasIncident: true }, 2), await ids({ hasIncident: false }, 2)], [[B], ['model.shop.c', A]]);
      equal((await list(harness, { nodeId: A }, { since: 2 }))[0]?.incident, undefined);
    },
  },
  {
    title: 'results.closeIncident: ends an open incident once, and records the decision',
    run: async (harness) => {
      const results = resultsOf(harness);
      await recordFailure(harness, '1', A);
      await recordFailure(harness, '2', B);
      const decision = harness.decision();
      equal(await results.closeIncident(KEY, decision, at(9)), true);
      equal(await results.closeIncident(KEY, harness.decision(), at(10)), false);
      equal(await results.closeIncident({ ...KEY, scope: OTHER_SCOPE, nodeId: B }, harness.decision(), at(11)), false);
      const { incident: _, ...ended } = openState('1');
      const [node] = await list(harness, { nodeId: A });
      same([node?.incident, node?.history, node?.observedAt], [undefined, ended.history, ended.observedAt]);
      equal((await list(harness, { hasIncident: true })).length, 1);
      const audit = (await harness.store.audit({})).items;
      same(
        audit.map(({ action, affected, decidedAt }) => [action, affected, decidedAt]),
        [
          ['close', 0, at(11)],
          ['close', 0, at(10)],
          ['close', 1, at(9)],
        ],
      );
      equal(audit[2]?.id, decision.id);
    },
  },
];
