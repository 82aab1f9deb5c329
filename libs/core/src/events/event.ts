import type { NodeName, NodeResult } from '../nodes/node-result.js';
import type { RunResults } from '../nodes/run-results.js';
import type { Incident } from '../runs/incident.js';
import type { ProviderMessageType, ProviderName, ProviderPayload } from './provider-payloads.js';
import type { JoinedRun, Run } from '../runs/run.js';
import type { MessageOrigin } from '../sources/message.js';
import type { RunEventType } from '../runs/run-signal.js';

/** Type of the event of a provider's own message, for `@OnMessage` handlers. */
export const MESSAGE_EVENT_TYPE = 'message.received';

interface EventBase<T extends string, P extends ProviderName> {
  /** Unique id: `<type>:<source>/<account>/<run>`. It is the same for all messages about the event. */
  readonly id: string;
  readonly type: T;
  readonly provider: P;
  /** Name of the source that sent the message. */
  readonly source: string;
  /** Id of the message that reported the event. */
  readonly messageId: string;
  /** Time of the event by the provider's clock; the time of receipt if the provider does not report it. */
  readonly occurredAt: Date;
  readonly receivedAt: Date;
  /** Validated payload of the provider. Unknown fields are kept. */
  readonly payload: ProviderPayload<P>;
}

interface RunEventOf<T extends RunEventType, P extends ProviderName> extends EventBase<T, P> {
  readonly run: Run;
  /** `webhook`, or `api` if a sweep of the provider's API found the event, which no webhook had reported. */
  readonly origin: MessageOrigin;
  /** Run as the provider's API returned it, not validated. Absent if `origin` is `webhook`. */
  readonly apiRun?: Readonly<Record<string, unknown>>;
}

/** Fields that only some types of events have. */
interface RunEventExtras {
  'run.started': {
    /** Whether the inbox already knew that the run was over when the message was parsed. */
    readonly late: boolean;
  };
  'run.failed': {
    /** Whether the run finished before the job's latest success, or the inbox already knew that it was over. */
    readonly late: boolean;
    /** Whether this failure opened the job's incident. Page for this one. */
    readonly firstFailure: boolean;
  };
  'run.recovered': {
    /** Incident that this success ended. */
    readonly incident: Incident;
  };
}

interface MessageEventOf<P extends ProviderName, M extends string> extends EventBase<typeof MESSAGE_EVENT_TYPE, P> {
  /** Message type of the provider, for example `job.run.completed`. */
  readonly messageType: M;
  /** Run that the message is about, if Runhooks recognizes it. */
  readonly run?: Run;
}

/** Type of the event of a dead letter, for `@OnDeadLetter` handlers. */
export const DEAD_LETTER_EVENT_TYPE = 'delivery.dead';

/** A delivery at the time it became a dead letter. */
export interface DeadLetter {
  readonly deliveryId: string;
  readonly handlerId: string;
  /** Id of the event the handler failed to process. */
  readonly eventId: string;
  readonly eventType: string;
  readonly attempts: number;
  /** Error of the last attempt, shortened if necessary. */
  readonly error: { readonly name: string; readonly message: string };
}

interface DeadLetterEventOf<P extends ProviderName> extends EventBase<typeof DEAD_LETTER_EVENT_TYPE, P> {
  readonly deadLetter: DeadLetter;
  /** Run that the event is about, if there is one. */
  readonly run?: Run;
}

/** Type of the event of a stuck run, for `@OnRunStuck` handlers. */
export const RUN_STUCK_EVENT_TYPE = 'run.stuck';

interface RunStuckEventOf<P extends ProviderName> extends EventBase<typeof RUN_STUCK_EVENT_TYPE, P> {
  /** The run as its start reported it. */
  readonly run: Run;
  /** Exceeded time since the start of the run, in milliseconds. */
  readonly stuckAfterMs: number;
  /** Id of the `@OnRunStuck` handler. */
  readonly handlerId: string;
}

/** Type of the event of several finished runs, for `@OnAllRuns` handlers. */
export const RUNS_JOINED_EVENT_TYPE = 'runs.joined';

interface RunsJoinedEventOf<P extends ProviderName> extends EventBase<typeof RUNS_JOINED_EVENT_TYPE, P> {
  /** One run for each of the handler's `jobs`, in the same order. */
  readonly runs: readonly JoinedRun[];
  /** Id of the `@OnAllRuns` handler. */
  readonly handlerId: string;
}

/** Type of the event of a run's results, for `@OnRunResults` handlers. */
export const RUN_RESULTS_EVENT_TYPE = 'run.results';
/** Type of the event of a node that failed, for `@OnNodeFailed` handlers. */
export const NODE_FAILED_EVENT_TYPE = 'node.failed';
/** Type of the event of a node that recovered, for `@OnNodeRecovered` handlers. */
export const NODE_RECOVERED_EVENT_TYPE = 'node.recovered';

/** Types of events that follow from the results of a run. */
export const RESULTS_EVENT_TYPES = [RUN_RESULTS_EVENT_TYPE, NODE_FAILED_EVENT_TYPE, NODE_RECOVERED_EVENT_TYPE] as const;

/** Type of an event that follows from the results of a run. */
export type ResultsEventType = (typeof RESULTS_EVENT_TYPES)[number];

interface RunResultsEventOf<P extends ProviderName> extends EventBase<typeof RUN_RESULTS_EVENT_TYPE, P> {
  readonly run: Run;
  /** Outcomes of the nodes of the run, or the reason why they are not known. */
  readonly results: RunResults;
  /** Whether the run opens no incidents: it belongs to CI or to a pull request, or its schema or target is overridden. */
  readonly isolated: boolean;
}

interface NodeFailedEventOf<P extends ProviderName> extends EventBase<typeof NODE_FAILED_EVENT_TYPE, P> {
  readonly run: Run;
  readonly node: NodeResult;
  /** Whether this failure opened the incident of the node. Page for this one. */
  readonly firstFailure: boolean;
  /** Open incident of the node, with this failure. Absent if the failure is late or the run is isolated. */
  readonly incident?: Incident;
  /** Whether the run ended before a success of the node that is already known. */
  readonly late: boolean;
  /** Whether the run opens no incidents: it belongs to CI or to a pull request, or its schema or target is overridden. */
  readonly isolated: boolean;
}

interface NodeRecoveredEventOf<P extends ProviderName> extends EventBase<typeof NODE_RECOVERED_EVENT_TYPE, P> {
  /** Run in which the node succeeded. */
  readonly run: Run;
  readonly node: NodeName;
  /** Incident that this success ended. */
  readonly incident: Incident;
}

/** Events of the types `T` from the providers `P`. */
type RunEvents<T extends RunEventType, P extends ProviderName> = {
  [K in T]: { [Q in P]: RunEventOf<K, Q> & (K extends keyof RunEventExtras ? RunEventExtras[K] : unknown) }[P];
}[T];

/**
 * An event about a run. It is a union of all types and providers, which `event.type` and `event.provider` narrow.
 *
 * @example
 * RunEvent<'run.failed'>
 * RunEvent<'dbt-cloud'>
 * RunEvent<'run.failed', 'dbt-cloud'>
 */
export type RunEvent<
  T extends RunEventType | ProviderName = RunEventType,
  P extends ProviderName = ProviderName,
> = T extends RunEventType ? RunEvents<T, P> : RunEvents<RunEventType, T & ProviderName & P>;

/** A provider's own message, for `@OnMessage` handlers. */
export type MessageEvent<
  P extends ProviderName = ProviderName,
  M extends ProviderMessageType<P> = ProviderMessageType<P>,
> = {
  [Q in P]: MessageEventOf<Q, M & string>;
}[P];

/** A new dead letter, for `@OnDeadLetter` handlers. */
export type DeadLetterEvent<P extends ProviderName = ProviderName> = { [Q in P]: DeadLetterEventOf<Q> }[P];

/** A run that takes too long, for `@OnRunStuck` handlers. */
export type RunStuck<P extends ProviderName = ProviderName> = { [Q in P]: RunStuckEventOf<Q> }[P];

/** Finished runs of several jobs, for `@OnAllRuns` handlers. `provider` and `payload` are those of the last run. */
export type RunsJoined<P extends ProviderName = ProviderName> = { [Q in P]: RunsJoinedEventOf<Q> }[P];

/** A run has started. */
export type RunStarted<P extends ProviderName = ProviderName> = RunEvents<'run.started', P>;
/** A run has succeeded. */
export type RunSucceeded<P extends ProviderName = ProviderName> = RunEvents<'run.succeeded', P>;
/** A run has failed. */
export type RunFailed<P extends ProviderName = ProviderName> = RunEvents<'run.failed', P>;
/** A run was canceled. */
export type RunCanceled<P extends ProviderName = ProviderName> = RunEvents<'run.canceled', P>;
/** A run is over, with any outcome. */
export type RunCompleted<P extends ProviderName = ProviderName> = RunEvents<'run.completed', P>;
/** A run succeeded and ended its job's incident. */
export type RunRecovered<P extends ProviderName = ProviderName> = RunEvents<'run.recovered', P>;

/** Results of a run, for `@OnRunResults` handlers. */
export type RunResultsEvent<P extends ProviderName = ProviderName> = { [Q in P]: RunResultsEventOf<Q> }[P];
/** A model, test or other node failed, for `@OnNodeFailed` handlers. */
export type NodeFailed<P extends ProviderName = ProviderName> = { [Q in P]: NodeFailedEventOf<Q> }[P];
/** A node that had failed succeeded, for `@OnNodeRecovered` handlers. */
export type NodeRecovered<P extends ProviderName = ProviderName> = { [Q in P]: NodeRecoveredEventOf<Q> }[P];

/** Any event that a handler can receive. */
export type WebhookEvent =
  RunEvent | RunResultsEvent | NodeFailed | NodeRecovered | RunStuck | RunsJoined | MessageEvent | DeadLetterEvent;

/** Type of any event. */
export type WebhookEventType = WebhookEvent['type'];
