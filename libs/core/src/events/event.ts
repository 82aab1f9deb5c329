import type { Incident } from '../runs/incident.js';
import type { ProviderMessageType, ProviderName, ProviderPayload } from './provider-payloads.js';
import type { JoinedRun, Run } from '../runs/run.js';
import type { RunEventType } from '../runs/run-signal.js';

/** Event type of a provider's own message, for `@OnMessage` handlers. */
export const MESSAGE_EVENT_TYPE = 'message.received';

interface EventBase<T extends string, P extends ProviderName> {
  /** Unique and the same for every copy of the fact: `<type>:<source>/<account>/<run>`. */
  readonly id: string;
  readonly type: T;
  readonly provider: P;
  /** Name of the source that sent the message. */
  readonly source: string;
  /** The message this was read from. */
  readonly messageId: string;
  /** When it happened, by the provider's clock (else when we received it). */
  readonly occurredAt: Date;
  readonly receivedAt: Date;
  /** The provider's own payload, validated; unknown fields are kept. */
  readonly payload: ProviderPayload<P>;
}

interface RunEventOf<T extends RunEventType, P extends ProviderName> extends EventBase<T, P> {
  readonly run: Run;
}

/** What only some types of events carry. */
interface RunEventExtras {
  'run.started': {
    /** The run was known to be over already when this arrived. */
    readonly late: boolean;
  };
  'run.failed': {
    /** The run finished before the job's latest known success, or was known to be over already. */
    readonly late: boolean;
    /** The job was not failing before, as far as the inbox knew: the one to page for. */
    readonly firstFailure: boolean;
  };
  'run.recovered': {
    /** The incident that this success has ended. */
    readonly incident: Incident;
  };
}

interface MessageEventOf<P extends ProviderName, M extends string> extends EventBase<typeof MESSAGE_EVENT_TYPE, P> {
  /** The provider's own message type, for example `job.run.completed`. */
  readonly messageType: M;
  /** The run that the message is about, as far as Runhooks can tell. */
  readonly run?: Run;
}

/** Event type of a delivery that gave up, for `@OnDeadLetter` handlers. */
export const DEAD_LETTER_EVENT_TYPE = 'delivery.dead';

/** The delivery that gave up, as it stood then. */
export interface DeadLetter {
  readonly deliveryId: string;
  readonly handlerId: string;
  /** The event that the handler could not cope with. */
  readonly eventId: string;
  readonly eventType: string;
  readonly attempts: number;
  /** What the last attempt failed with; bounded. */
  readonly error: { readonly name: string; readonly message: string };
}

interface DeadLetterEventOf<P extends ProviderName> extends EventBase<typeof DEAD_LETTER_EVENT_TYPE, P> {
  readonly deadLetter: DeadLetter;
  /** The run that the event was about, if it was about one. */
  readonly run?: Run;
}

/** Event type of a run that takes too long, for the `@OnRunStuck` handler that watches it. */
export const RUN_STUCK_EVENT_TYPE = 'run.stuck';

interface RunStuckEventOf<P extends ProviderName> extends EventBase<typeof RUN_STUCK_EVENT_TYPE, P> {
  /** As its start told it. */
  readonly run: Run;
  /** The time that the run has exceeded, in milliseconds since its start. */
  readonly stuckAfterMs: number;
  /** The handler that watches. */
  readonly handlerId: string;
}

/** Event type of runs that have all finished, for the `@OnAllRuns` handler that waits for them. */
export const RUNS_JOINED_EVENT_TYPE = 'runs.joined';

interface RunsJoinedEventOf<P extends ProviderName> extends EventBase<typeof RUNS_JOINED_EVENT_TYPE, P> {
  /** One run for each of the handler's `jobs`, in their order. */
  readonly runs: readonly JoinedRun[];
  /** The handler that waits. */
  readonly handlerId: string;
}

/** Every event of the types `T` from the providers `P`. */
type RunEvents<T extends RunEventType, P extends ProviderName> = {
  [K in T]: { [Q in P]: RunEventOf<K, Q> & (K extends keyof RunEventExtras ? RunEventExtras[K] : unknown) }[P];
}[T];

/**
 * An event about a run. A union over its types and providers: `event.type` and `event.provider` narrow it. Takes types,
 * providers, or both: `RunEvent<'run.failed'>`, `RunEvent<'dbt-cloud'>`, `RunEvent<'run.failed', 'dbt-cloud'>`.
 */
export type RunEvent<
  T extends RunEventType | ProviderName = RunEventType,
  P extends ProviderName = ProviderName,
> = T extends RunEventType ? RunEvents<T, P> : RunEvents<RunEventType, T & ProviderName & P>;

/** A provider's own message, as `@OnMessage` handlers get it. */
export type MessageEvent<
  P extends ProviderName = ProviderName,
  M extends ProviderMessageType<P> = ProviderMessageType<P>,
> = {
  [Q in P]: MessageEventOf<Q, M & string>;
}[P];

/** A delivery has become a dead letter; what `@OnDeadLetter` handlers get. */
export type DeadLetterEvent<P extends ProviderName = ProviderName> = { [Q in P]: DeadLetterEventOf<Q> }[P];

/** A run has started and takes too long; what `@OnRunStuck` handlers get. */
export type RunStuck<P extends ProviderName = ProviderName> = { [Q in P]: RunStuckEventOf<Q> }[P];

/** All the runs a barrier waited for; what `@OnAllRuns` handlers get. `provider` and `payload` are those of the last one. */
export type RunsJoined<P extends ProviderName = ProviderName> = { [Q in P]: RunsJoinedEventOf<Q> }[P];

export type RunStarted<P extends ProviderName = ProviderName> = RunEvents<'run.started', P>;
export type RunSucceeded<P extends ProviderName = ProviderName> = RunEvents<'run.succeeded', P>;
export type RunFailed<P extends ProviderName = ProviderName> = RunEvents<'run.failed', P>;
export type RunCanceled<P extends ProviderName = ProviderName> = RunEvents<'run.canceled', P>;
export type RunCompleted<P extends ProviderName = ProviderName> = RunEvents<'run.completed', P>;
export type RunRecovered<P extends ProviderName = ProviderName> = RunEvents<'run.recovered', P>;

/** Anything a handler can be given. */
export type WebhookEvent = RunEvent | RunStuck | RunsJoined | MessageEvent | DeadLetterEvent;

export type WebhookEventType = WebhookEvent['type'];
