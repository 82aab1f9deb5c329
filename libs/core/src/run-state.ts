import type { RunEventType } from './event.js';

/** Names a run in the inbox. */
export interface RunKey {
  readonly source: string;
  readonly accountId: string;
  readonly runId: string;
}

export type RunOutcome = 'succeeded' | 'failed' | 'canceled';

/** What the inbox knows of a run, from all its messages. */
export interface RunState {
  readonly jobKey: string;
  /** Set once: a run ends one way, whatever is said later. */
  readonly outcome?: RunOutcome;
  /** A later message named another outcome. It is kept and flagged, and changes nothing. */
  readonly contradicted: boolean;
  readonly startedAt?: Date;
  readonly finishedAt?: Date;
}

/** An event to be written, with a delivery for each handler that wants it. */
export interface NewEvent {
  readonly id: string;
  readonly type: string;
  readonly occurredAt: Date;
  /** JSON text made by `eventData`. */
  readonly data: string;
  readonly deliveries: readonly { readonly id: string; readonly handlerId: string }[];
}

/** What to write about a message: the run as it is now known, and the events. Events already there are left alone. */
export interface RunDecision {
  readonly run?: RunState;
  readonly events: readonly NewEvent[];
}

const OUTCOME_OF: Partial<Record<RunEventType, RunOutcome>> = {
  'run.succeeded': 'succeeded',
  'run.failed': 'failed',
  'run.canceled': 'canceled',
};

/** A run's state after one more message. Earlier knowledge wins: the first outcome stays. */
export function advanceRun(
  known: RunState | undefined,
  told: { jobKey: string; types: readonly RunEventType[]; startedAt?: Date | undefined; finishedAt?: Date | undefined },
): { state: RunState; types: RunEventType[] } {
  let outcome = known?.outcome;
  let contradicted = known?.contradicted ?? false;
  const types = told.types.filter((type) => {
    const says = OUTCOME_OF[type];
    if (says === undefined) return true;
    if (outcome !== undefined && outcome !== says) {
      contradicted = true;
      return false;
    }
    outcome = says;
    return true;
  });
  const startedAt = known?.startedAt ?? told.startedAt;
  const finishedAt = known?.finishedAt ?? told.finishedAt;
  return {
    types,
    state: {
      jobKey: told.jobKey,
      contradicted,
      ...(outcome && { outcome }),
      ...(startedAt && { startedAt }),
      ...(finishedAt && { finishedAt }),
    },
  };
}
