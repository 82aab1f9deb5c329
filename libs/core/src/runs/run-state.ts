import { earlierOf, laterOf } from './earlier-later.js';
import type { RunSignalType } from './run-signal.js';
import type { Run, RunOutcome } from './run.js';

/** Identity of a run in the inbox. */
export interface RunKey {
  readonly source: string;
  readonly accountId: string;
  readonly runId: string;
}

/** Identity of a job in the inbox. */
export interface JobKey {
  readonly source: string;
  readonly jobKey: string;
}

/** Fields of a run that are not among {@link ApiFacts}: its identity, its state, and its commands, which may be many. */
const STATE_FIELDS = [
  'id',
  'account',
  'status',
  'providerStatus',
  'statusMessage',
  'startedAt',
  'finishedAt',
  'durationMs',
  'commands',
  'retryOf',
  'rootRun',
] as const satisfies readonly (keyof Run)[];

/** Facts about a run besides its identity and state, as the API of its provider reports them. */
export type ApiFacts = Omit<Run, (typeof STATE_FIELDS)[number]>;

/** Returns the part of a run from the API that the inbox keeps with the run. */
export function apiFactsOf(run: Run): { facts: ApiFacts; retryOf?: string } {
  const isState = (name: string): boolean => (STATE_FIELDS as readonly string[]).includes(name);
  const facts = Object.fromEntries(Object.entries(run).filter(([name]) => !isState(name))) as unknown as ApiFacts;
  return { facts, ...(run.retryOf !== undefined && { retryOf: run.retryOf }) };
}

/** State of a run, from all its messages. It is kept after its messages and events are deleted. */
export interface RunState {
  /** Key of the job when the run was first reported. It never changes, even if the job then has another key. */
  readonly jobKey: string;
  /** First reported outcome. It never changes. */
  readonly outcome?: RunOutcome;
  /** Whether a later message reported another outcome. Such a message is kept, but does not change the outcome. */
  readonly contradicted: boolean;
  /** Types of the run's events. Each of them happens once, even after an earlier one was purged. */
  readonly types: readonly RunSignalType[];
  /** Earliest reported start. */
  readonly startedAt?: Date;
  /** Latest reported end. dbt Cloud reports an error before the run is over. */
  readonly finishedAt?: Date;
  /** `api` if a sweep reported the run, or its end, before any webhook did. @default 'webhook' */
  readonly origin?: 'api';
  /** Id of the run that it is a retry of, if the provider's API reports it, or an action has started it. */
  readonly retryOf?: string;
  /** Id of the run that the chain of retries began with, if an action has started it. */
  readonly rootRun?: string;
  /** Facts from the provider's API. Absent if a sweep has not seen the run. */
  readonly facts?: ApiFacts;
}

/** Facts about a run in one message. */
export interface RunFacts {
  readonly jobKey: string;
  readonly types: readonly RunSignalType[];
  readonly startedAt?: Date | undefined;
  readonly finishedAt?: Date | undefined;
  /** Facts that the provider's API reports in addition. Absent if the message is a webhook. */
  readonly api?: ReturnType<typeof apiFactsOf>;
}

const OUTCOME_OF: Partial<Record<RunSignalType, RunOutcome>> = {
  'run.succeeded': 'succeeded',
  'run.failed': 'failed',
  'run.canceled': 'canceled',
};

/** Returns the outcome that a type of event means, or `undefined`. */
export function outcomeOf(type: RunSignalType): RunOutcome | undefined {
  return OUTCOME_OF[type];
}

/**
 * Returns a run's state after another message, and the new events of this message. The first outcome and the first job
 * key are kept. The final state of a run with one outcome and one job key does not depend on the order of its messages.
 */
export function advanceRun(
  known: RunState | undefined,
  facts: RunFacts,
): { state: RunState; newTypes: RunSignalType[]; contradicts?: RunOutcome } {
  let outcome = known?.outcome;
  let contradicts: RunOutcome | undefined;
  const types = [...(known?.types ?? [])];
  const newTypes: RunSignalType[] = [];
  for (const type of facts.types) {
    const reported = OUTCOME_OF[type];
    if (reported !== undefined && outcome !== undefined && reported !== outcome) {
      contradicts = reported;
      continue;
    }
    outcome ??= reported;
    if (types.includes(type)) continue;
    types.push(type);
    newTypes.push(type);
  }
  const startedAt = earlierOf(known?.startedAt, facts.startedAt);
  const finishedAt = laterOf(known?.finishedAt, facts.finishedAt);
  const isNew = known === undefined || !isReported(known);
  const isFound = facts.api !== undefined && (isNew || (isOver(types) && !isRunOver(known)));
  const retryOf = facts.api?.retryOf ?? known?.retryOf;
  const apiFacts = facts.api?.facts ?? known?.facts;
  return {
    newTypes,
    ...(contradicts && { contradicts }),
    state: {
      jobKey: isNew ? facts.jobKey : known.jobKey,
      contradicted: (known?.contradicted ?? false) || contradicts !== undefined,
      types,
      ...(outcome && { outcome }),
      ...(startedAt && { startedAt }),
      ...(finishedAt && { finishedAt }),
      ...((isFound || known?.origin === 'api') && { origin: 'api' as const }),
      ...(retryOf !== undefined && { retryOf }),
      ...(known?.rootRun !== undefined && { rootRun: known.rootRun }),
      ...(apiFacts && { facts: apiFacts }),
    },
  };
}

/** Returns whether a message has reported a run. Of others, an action that has started them wrote which run they retry. */
export function isReported({ outcome, types, origin }: Pick<RunState, 'outcome' | 'types' | 'origin'>): boolean {
  return outcome !== undefined || types.length > 0 || origin !== undefined;
}

/** Returns whether a run is over. One that is history has an outcome, and no types of its end. */
export function isRunOver({ outcome, types }: Pick<RunState, 'outcome' | 'types'>): boolean {
  return outcome !== undefined || isOver(types);
}

/** Returns whether one of these types is about the end of a run. */
export function isOver(types: readonly RunSignalType[]): boolean {
  return types.some((type) => type !== 'run.started');
}
