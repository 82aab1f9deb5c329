import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { LIMITS } from '../limits.js';
import { advanceNode, type NodeFacts, type NodeUpdate } from './advance-node.js';
import type { NodeOutcome } from './node-result.js';
import type { NodeObservation, NodeState } from './node-state.js';

const NOW = new Date(1_000_000_000_000);
const DAY_MS = 86_400_000;

function seen(runId: string, outcome: NodeOutcome, at: number): NodeObservation {
  return { accountId: '1', runId, finishedAt: new Date(at), outcome };
}

/** A node. It returns the update of each run. */
class OneNode {
  state: NodeState | undefined;

  observe(runId: string, outcome: NodeOutcome, at: number, facts: Partial<NodeFacts> = {}): NodeUpdate {
    const update = advanceNode(this.state, seen(runId, outcome, at), { now: NOW, ...facts });
    this.state = update.state;
    return update;
  }
}

describe('advanceNode', () => {
  it('opens one incident for failures in a row, and ends it by a later success', () => {
    const node = new OneNode();
    expect(node.observe('1', 'failed', 10)).toMatchObject({
      firstFailure: true,
      late: false,
      incident: { failures: 1 },
    });
    expect(node.observe('2', 'failed', 20)).toMatchObject({ firstFailure: false, incident: { failures: 2 } });
    const { recovered, state } = node.observe('3', 'succeeded', 30);
    expect(recovered).toMatchObject({ openedAt: new Date(10), latestFailureAt: new Date(20), failures: 2 });
    expect(state).not.toHaveProperty('incident');
    expect(node.observe('4', 'succeeded', 40).recovered).toBeUndefined();
    expect(node.observe('5', 'failed', 50).firstFailure).toBe(true);
  });

  it('recovers by a warning', () => {
    const node = new OneNode();
    node.observe('1', 'failed', 10);
    expect(node.observe('2', 'warned', 20).recovered).toBeDefined();
  });

  it('does not recover by a success that ended before the latest failure', () => {
    const node = new OneNode();
    node.observe('1', 'failed', 10);
    node.observe('3', 'failed', 30);
    expect(node.observe('2', 'succeeded', 20)).toMatchObject({ state: { incident: { failures: 2 } } });
  });

  it('flags a failure that ended before a known success as late', () => {
    const node = new OneNode();
    node.observe('1', 'failed', 10);
    node.observe('3', 'succeeded', 30);
    const late = node.observe('2', 'failed', 20);
    expect(late).toMatchObject({ firstFailure: false, late: true });
    expect(late).not.toHaveProperty('incident');
    expect(node.state).not.toHaveProperty('incident');
  });

  it('flags a failure as late if a later success has not been recorded yet', () => {
    const node = new OneNode();
    expect(node.observe('1', 'failed', 10, { laterSuccessAt: new Date(20) }).late).toBe(true);
    expect(node.observe('2', 'succeeded', 20).recovered).toBeUndefined();
    expect(node.observe('3', 'failed', 30).firstFailure).toBe(true);
  });

  it.each(['skipped', 'unknown'] as const)('keeps the incident of a node that is %s', (outcome) => {
    const node = new OneNode();
    node.observe('1', 'failed', 10);
    const { state, ...update } = node.observe('2', outcome, 20, { now: new Date(NOW.getTime() + 1) });
    expect(update).toEqual({ firstFailure: false, late: false });
    expect(state).toMatchObject({ incident: { failures: 1 }, observedAt: new Date(NOW.getTime() + 1) });
    expect(state).not.toHaveProperty('latestSuccessAt');
  });

  it('counts a run once', () => {
    const node = new OneNode();
    const first = node.observe('1', 'failed', 10);
    expect(node.observe('1', 'failed', 10)).toEqual({ ...first, firstFailure: false });
  });

  it('ends an incident that was not observed for 30 days, without a recovery', () => {
    const failedThen = (outcome: NodeOutcome, days: number) => {
      const node = new OneNode();
      node.observe('1', 'failed', 10);
      return node.observe('2', outcome, 20, { now: new Date(NOW.getTime() + days * DAY_MS + 1) });
    };
    expect(failedThen('failed', 30)).toMatchObject({ firstFailure: true, incident: { failures: 1 } });
    expect(failedThen('failed', 29)).toMatchObject({ firstFailure: false, incident: { failures: 2 } });
    expect(failedThen('succeeded', 30).recovered).toBeUndefined();
    expect(failedThen('succeeded', 29).recovered).toBeDefined();
  });

  it('keeps the last observations and the first runs of an incident', () => {
    const node = new OneNode();
    for (let run = 1; run <= 150; run++) node.observe(`${run}`, 'failed', run);
    expect(node.state?.history).toHaveLength(LIMITS.nodeHistoryMax);
    expect(node.state?.history.at(-1)?.runId).toBe('150');
    expect(node.state?.incident?.runs).toHaveLength(LIMITS.incidentRunsMax);
    expect(node.state?.incident?.failures).toBe(150);
  });

  const runs = fc.uniqueArray(
    fc.record({
      at: fc.integer({ min: 1, max: 30 }),
      outcome: fc.constantFrom<NodeOutcome>('failed', 'succeeded', 'warned', 'skipped', 'unknown'),
    }),
    { selector: ({ at }) => at, maxLength: 20 },
  );

  it('has an open incident in any order of runs only if the latest failure is later than every success', () => {
    fc.assert(
      fc.property(runs, (order) => {
        const node = new OneNode();
        for (const { at, outcome } of order) node.observe(`${at}`, outcome, at);
        const latest = (...outcomes: NodeOutcome[]) =>
          Math.max(0, ...order.filter(({ outcome }) => outcomes.includes(outcome)).map(({ at }) => at));
        expect(node.state?.incident !== undefined).toBe(latest('failed') > latest('succeeded', 'warned'));
      }),
    );
  });

  it('opens incidents and ends them in turn', () => {
    fc.assert(
      fc.property(runs, (order) => {
        const node = new OneNode();
        let isOpen = false;
        for (const { at, outcome } of order) {
          const { firstFailure, recovered, incident } = node.observe(`${at}`, outcome, at);
          expect(firstFailure).toBe(incident !== undefined && !isOpen);
          if (recovered) expect(isOpen).toBe(true);
          isOpen = firstFailure || (isOpen && !recovered);
        }
      }),
    );
  });
});
