/**
 * Names that the other libs of this package need from the core. They are not public: they are in no docs page, API
 * reference or API report, and any release can change or remove them. The entry `nestjs-runhooks/internal` exists only
 * because libs import each other by package name in both builds.
 */
export { type Clock, systemClock } from './time/clock.js';
export { ClockWatch } from './clocks/clock-watch.js';
export { SharedClock } from './clocks/shared-clock.js';
export { Dispatcher } from './dispatcher/dispatcher.js';
export { Presence } from './dispatcher/presence.js';
export { durationText } from './time/duration-text.js';
export { Engine } from './engine.js';
export type {
  DeadLetter,
  DeadLetterEvent,
  MessageEvent,
  NodeFailed,
  NodeRecovered,
  ResultsEventType,
  RunCanceled,
  RunCompleted,
  RunEvent,
  RunFailed,
  RunRecovered,
  RunResultsEvent,
  RunsJoined,
  RunStarted,
  RunStuck,
  RunSucceeded,
  WebhookEvent,
} from './events/event.js';
export { type EventFilter, type NodeFilter, type OneOrMore, valuesOf } from './handlers/filter.js';
export { HandlerSet } from './handlers/handler-set.js';
export { type DeliveryContext, type Handler, type HandlerOptions, resolveHandlerOptions } from './handlers/handler.js';
export { lapsedBefore } from './handlers/registration.js';
export type { RetryOptions } from './handlers/retry-policy.js';
export {
  checkBarrier,
  checkStuckAfter,
  type OnAllRunsOptions,
  type StuckAfter,
  type SubscribedTo,
  type Subscription,
} from './handlers/subscription.js';
export { IdSequence } from './ids.js';
export type { Erase } from './inbox/eraser.js';
export { Inbox } from './inbox/inbox.js';
export type { DeliveryQuery, InboxStatus, RunDetail } from './inbox/inbox-results.js';
export { Purger } from './inbox/purger.js';
export { DEFAULT_RETENTION, type RetentionOptions } from './inbox/retention.js';
export { LIMITS } from './limits.js';
export { lineLogger, type LogArguments } from './log/logger.js';
export { didYouMean, nearest } from './nearest.js';
export { requireOneCopy } from './one-copy.js';
export { oneLine } from './one-line.js';
export { requireKnownOptions, requireOptions } from './option-checks.js';
export { FailureLog } from './log/failure-log.js';
export { Reasons } from './log/reasons.js';
export type { Redact } from './nodes/clean-message.js';
export type { ActionDecision, Replay, ReparseOptions } from './inbox/requests.js';
export { type Receipt, Receiver } from './receiver/receiver.js';
export { Refusals } from './receiver/refusals.js';
export type { ResultsOfSource } from './results/results-handlers.js';
export { RoundRunner } from './rounds/round-runner.js';
export { RUN_EVENT_TYPES, RUN_SIGNAL_TYPES, type RunEventType } from './runs/run-signal.js';
export type { JoinedRun } from './runs/run.js';
export { type NamedSource, type OpenSource, openSources } from './sources/source.js';
export { StoreGuard } from './store/store-guard.js';
export { describeError } from './thrown.js';
export { timers } from './time/timers.js';
export { within } from './time/within.js';
