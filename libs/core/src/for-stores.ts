/**
 * For authors of stores and dispatch transports: the ports `Store` and `DispatchTransport`, the types that they take and
 * return, and the rules that every store applies. See [Write a store](../../../docs/custom-store.md), and
 * [Scaling out](../../../docs/scaling-out.md) for dispatch transports.
 */
export type * from './deliveries/dispatch-transport.js';
export type * from './store/action-store.js';
export type * from './store/claim.js';
export type * from './store/delivery.js';
export type * from './store/inbox-reader.js';
export type * from './store/new-message.js';
export type * from './store/operator-request.js';
export type * from './store/page.js';
export type * from './store/recording.js';
export type * from './store/result-store.js';
export type * from './store/round-store.js';
export type * from './store/store.js';
export type * from './store/task.js';

export { isClockJump, isBraking } from './store/clock-jump.js';
export type { DecidedAction, DecidedBy, Decision } from './store/decision.js';
export { NOT_RECORDED } from './store/recording.js';
export { ERASED_EVENT_DATA, erasedFromBarrier } from './store/erasure.js';
export {
  type DueAhead,
  latestClockMs,
  latestDueAtMs,
  type PullBack,
  type PulledBack,
  soonerDueAtMs,
} from './store/pull-back.js';
export { type ClockJump, NOTHING_PURGED, type Purge, type PurgeBrake, type Purged, rowsOf } from './store/purge.js';

export type { StoredEvent } from './events/event-data.js';
export type { InboxTransaction } from './handlers/handler.js';
export { handlerIdOf, type RegisteredHandler, type Role } from './handlers/registration.js';
export type { RoutedDelivery } from './handlers/router.js';
export type { CodedLogFields, LogCode, LogFields, Logger } from './log/logger.js';
export { parseDated } from './payloads/dated-json.js';
export { placeOf, scopeObject } from './nodes/node-scope.js';
export type { NodeObservation, NodeScope, NodeState } from './nodes/node-state.js';
export type { AvailableResults, RunResults } from './nodes/run-results.js';
export type { FailedRun, Incident, JobState } from './runs/incident.js';
export type { JobAlias, JobRecord, JobRecords } from './runs/job-aliases.js';
export type { ApiFacts, JobKey, RunKey, RunState } from './runs/run-state.js';
export type { KnownRun } from './runs/run-update.js';
export type { RunOutcome } from './runs/run.js';
export { type MessageOrigin, type MessageState, restoreMessage, type StoredMessage } from './sources/message.js';
export type { AttemptError } from './thrown.js';
