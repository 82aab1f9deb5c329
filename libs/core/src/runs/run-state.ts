import { earlierOf, laterOf } from './earlier-later.js';
import type { RunSignalType } from './run-signal.js';
import type { RunOutcome } from './run.js';

/** Names a run in the inbox. */
export interface RunKey {
  readonly source: string;
  readonly accountId: string;
  readonly runId: string;
}

/** Names a job in the inbox. */
export interface JobKey {
  readonly source: string;
  readonly jobKey: string;
}

/** What the inbox knows of a run, from all its messages. Outlives the messages and events themselves. */
export interface RunState {
  readonly jobKey: string;
  /** Set once: a run ends one way, whatever is said later. */
  readonly outcome?: RunOutcome;
  /** A later message named another outcome. It is kept and flagged, and changes nothing. */
  readonly contradicted: boolean;
  /** The events this run has had. Each happens once, also when its event was purged long ago. */
  readonly types: readonly RunSignalType[];
  /** The earliest start that was told. */
  readonly startedAt?: Date;
  /** The latest end that was told: dbt Cloud tells of an error before the run is over. */
  readonly finishedAt?: Date;
}

/** What one message tells of a run. */
export interface ToldOfRun {
  readonly jobKey: string;
  readonly types: readonly RunSignalType[];
  readonly startedAt?: Date | undefined;
  readonly finishedAt?: Date | undefined;
}

const OUTCOME_OF: Partial<Record<RunSignalType, RunOutcome>> = {
  'run.succeeded': 'succeeded',
  'run.failed': 'failed',
  'run.canceled': 'canceled',
};

/** The outcome that a type of event means, if it means one. */
export function outcomeOf(type: RunSignalType): RunOutcome | undefined {
  return OUTCOME_OF[type];
}

/**
 * A run's state after one more message, and which of the message's events are new. The first outcome stays; of a run
 * that ended one way the state is the same in the end, in whatever order its messages come.
 */
export function advanceRun(
  known: RunState | undefined,
  news: ToldOfRun,
): { state: RunState; newTypes: RunSignalType[]; contradicts?: RunOutcome } {
  let outcome = known?.outcome;
  let contradicts: RunOutcome | undefined;
  const types = [...(known?.types ?? [])];
  const newTypes: RunSignalType[] = [];
  for (const type of news.types) {
    const says = OUTCOME_OF[type];
    if (says !== undefined && outcome !== undefined && says !== outcome) {
      contradicts = says;
      continue;
    }
    outcome ??= says;
    if (types.includes(type)) continue;
    types.push(type);
    newTypes.push(type);
  }
  const startedAt = earlierOf(known?.startedAt, news.startedAt);
  const finishedAt = laterOf(known?.finishedAt, news.finishedAt);
  return {
    newTypes,
    ...(contradicts && { contradicts }),
    state: {
      jobKey: news.jobKey,
      contradicted: (known?.contradicted ?? false) || contradicts !== undefined,
      types,
      ...(outcome && { outcome }),
      ...(startedAt && { startedAt }),
      ...(finishedAt && { finishedAt }),
    },
  };
}
