import type { Outcome } from './world/world-run.js';

const DAY_MS = 24 * 60 * 60_000;
/** An incident that no run has observed for this time has ended. */
export const FORGOTTEN_MS = 30 * DAY_MS;

/** An open failure of a node. */
export interface ModelIncident {
  readonly openedAt: Date;
  readonly latestFailureAt: Date;
  /** Ids of its failed runs, in the order in which they were recorded. */
  readonly runs: readonly string[];
}

/** What a node must come to. */
export interface Told {
  readonly firstFailure: boolean;
  readonly late: boolean;
  /** Incident after a failure. */
  readonly incident?: ModelIncident;
  /** Incident that a success ended. */
  readonly recovered?: ModelIncident;
}

interface NodeState {
  readonly incident?: ModelIncident;
  readonly observedAt: Date;
}

/** What a node comes to that opens, joins and ends no incident. */
export const NOTHING: Told = { firstFailure: false, late: false };

/** The rules of incidents of nodes in one scope, as plainly as possible: what each node of a run must come to. */
export class PlainScope {
  readonly #nodes = new Map<string, NodeState>();

  /**
   * Observes a node.
   *
   * @param knownSuccess end of the latest run in which the node succeeded, as far as the inbox knows now
   * @param now time of the observation
   */
  observe(
    nodeId: string,
    outcome: Outcome,
    run: { readonly id: string; readonly endedAt: Date },
    knownSuccess: Date | undefined,
    now: Date,
  ): Told {
    const state = this.#nodes.get(nodeId);
    // A node that has never failed needs no state.
    if (!state && outcome !== 'failed') return NOTHING;
    const open = this.incidentOf(nodeId, now);
    this.#nodes.set(nodeId, { ...(open && { incident: open }), observedAt: now });
    if (outcome === 'failed') {
      if (knownSuccess && knownSuccess > run.endedAt) return { ...NOTHING, late: true };
      const incident: ModelIncident = {
        openedAt: open && open.openedAt < run.endedAt ? open.openedAt : run.endedAt,
        latestFailureAt: open && open.latestFailureAt > run.endedAt ? open.latestFailureAt : run.endedAt,
        runs: [...(open?.runs ?? []), run.id],
      };
      this.#nodes.set(nodeId, { incident, observedAt: now });
      return { firstFailure: open === undefined, late: false, incident };
    }
    const isGood = outcome === 'succeeded' || outcome === 'warned';
    if (!isGood || !open || open.latestFailureAt >= run.endedAt) return NOTHING;
    this.#nodes.set(nodeId, { observedAt: now });
    return { ...NOTHING, recovered: open };
  }

  /** Whether the node has failed. */
  has(nodeId: string): boolean {
    return this.#nodes.has(nodeId);
  }

  /** Returns the open incident of a node. */
  incidentOf(nodeId: string, now: Date): ModelIncident | undefined {
    const state = this.#nodes.get(nodeId);
    return state && now.getTime() - state.observedAt.getTime() < FORGOTTEN_MS ? state.incident : undefined;
  }

  /** Returns the ids of the nodes with an open incident. */
  open(now: Date): string[] {
    return [...this.#nodes.keys()].filter((id) => this.incidentOf(id, now) !== undefined);
  }
}
