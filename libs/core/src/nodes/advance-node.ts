import { defined } from '../defined.js';
import { LIMITS } from '../limits.js';
import { laterOf } from '../runs/earlier-later.js';
import { joined, opened, type Incident } from '../runs/incident.js';
import type { NodeObservation, NodeState } from './node-state.js';

/** Facts about a node that are known besides its state. */
export interface NodeFacts {
  /** End of the latest later run in which the node is known to have succeeded, although its state may not show it yet. */
  readonly laterSuccessAt?: Date | undefined;
  /** Current time. */
  readonly now: Date;
}

/** Effect of an observation on its node. */
export interface NodeUpdate {
  readonly state: NodeState;
  /** Whether the failure opened the incident of the node. */
  readonly firstFailure: boolean;
  /** Whether the run ended before a known success of the node, so that its failure changes no incident. */
  readonly late: boolean;
  /** Open incident that a failure opened or joined. */
  readonly incident?: Incident;
  /** Incident that a success ended. */
  readonly recovered?: Incident;
}

/** Returns the time since which an incident must have been observed to be open. */
export function observedSince(now: Date): Date {
  return new Date(now.getTime() - LIMITS.nodeIncidentMs);
}

/**
 * Returns the state of a node after another run, in the order of recording.
 *
 * - A failure opens an incident, or joins the open one, unless the run ended before a known success.
 * - A success or a warning ends an incident if the run ended after the incident's latest failure.
 * - A node that was skipped, or has an unknown status, changes no incident.
 * - An incident that no run has observed for 30 days has ended before, without a recovery.
 * - A run that was observed before changes nothing.
 */
export function advanceNode(known: NodeState | undefined, observation: NodeObservation, facts: NodeFacts): NodeUpdate {
  const { now, laterSuccessAt } = facts;
  const { incident, latestSuccessAt: successAt, history } = current(known, now);
  const { outcome, finishedAt: at } = observation;
  const latestSuccessAt = laterOf(successAt, laterSuccessAt);
  const unchanged = { firstFailure: false, late: false };
  const isFailure = outcome === 'failed';
  const late = isFailure && latestSuccessAt !== undefined && at < latestSuccessAt;
  if (known && history.some((one) => isSameRun(one, observation))) {
    return { ...unchanged, late, state: known, ...(isFailure && !late && incident && { incident }) };
  }
  const next = (fields: Pick<Current, 'incident' | 'latestSuccessAt'>): NodeState => ({
    history: [...history, observation].slice(-LIMITS.nodeHistoryMax),
    observedAt: now,
    ...defined(fields),
  });
  switch (outcome) {
    case 'failed': {
      if (late) return { ...unchanged, late, state: next({ incident, latestSuccessAt }) };
      const run = { accountId: observation.accountId, runId: observation.runId, finishedAt: at };
      const open = incident ? joined(incident, run) : opened(run);
      return {
        state: next({ incident: open, latestSuccessAt: successAt }),
        firstFailure: incident === undefined,
        late,
        incident: open,
      };
    }
    case 'succeeded':
    case 'warned': {
      const isOver = incident !== undefined && at > incident.latestFailureAt;
      const state = next({ incident: isOver ? undefined : incident, latestSuccessAt: laterOf(successAt, at) });
      return { ...unchanged, state, ...(isOver && { recovered: incident }) };
    }
    case 'skipped':
    case 'unknown':
      return { ...unchanged, state: next({ incident, latestSuccessAt: successAt }) };
  }
}

interface Current {
  readonly incident: Incident | undefined;
  readonly latestSuccessAt: Date | undefined;
  readonly history: readonly NodeObservation[];
}

function current(known: NodeState | undefined, now: Date): Current {
  const isObserved = known !== undefined && known.observedAt >= observedSince(now);
  return {
    incident: isObserved ? known.incident : undefined,
    latestSuccessAt: known?.latestSuccessAt,
    history: known?.history ?? [],
  };
}

function isSameRun(one: NodeObservation, other: NodeObservation): boolean {
  return one.accountId === other.accountId && one.runId === other.runId;
}
