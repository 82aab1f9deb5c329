export { attemptError } from './attempt.js';
export { ClockWatch, type ClockWatchOptions } from './clock-watch.js';
export { systemClock, type Clock } from './clock.js';
export type { DecidedAction, DecidedBy, Decision } from './decision.js';
export type { Erase } from './eraser.js';
export { ERASED_EVENT_DATA, erasedFromBarrier } from './erasure.js';
export { requireOneCopy } from './copies.js';
export type * from './delivery.js';
export { Dispatcher, type DispatcherOptions } from './dispatcher.js';
export {
  ConfigurationError,
  HandlerTimeoutError,
  isConfigurationError,
  isRunhooksError,
  isStoreUnavailableError,
  OwnError,
  isPermanentError,
  isRetryLater,
  PermanentError,
  RetryLater,
  RunhooksError,
  LeaseLostError,
  ShutdownError,
  StoreUnavailableError,
} from './errors.js';
export { parseDated } from './dated-json.js';
export { PayloadUnavailableError } from './event-data.js';
export {
  DEAD_LETTER_EVENT_TYPE,
  MESSAGE_EVENT_TYPE,
  type DeadLetter,
  type DeadLetterEvent,
  RUN_EVENT_TYPES,
  RUN_SIGNAL_TYPES,
  type MessageEvent,
  type RunCanceled,
  type RunCompleted,
  type RunEvent,
  type RunEventType,
  type RunFailed,
  type RunRecovered,
  type RunSignalType,
  type RunsJoined,
  type RunStarted,
  type RunStuck,
  type RunSucceeded,
  type WebhookEvent,
  type WebhookEventType,
} from './event.js';
export {
  valuesOf,
  type EventFilter,
  type Filterable,
  type Routable,
  type SubscribedTo,
  type OneOrMore,
  type Subscription,
} from './filter.js';
export { matchesPattern } from './glob.js';
export type { BarrierOptions } from './barrier-options.js';
export { checkBarrier } from './barrier.js';
export type { NewTask } from './new-task.js';
export type * from './task.js';
export { timers, type Timers } from './timers.js';
export { checkStuckAfter, type StuckAfter } from './watchdog.js';
export { HandlerSet } from './handler-set.js';
export type { FailedRun, Incident, JobState } from './incident.js';
export {
  Inbox,
  type DeliveryQuery,
  type InboxOptions,
  type InboxStatus,
  type ReadAgain,
  type Replay,
  type RunDetail,
} from './inbox.js';
export type * from './inbox-reader.js';
export {
  requireWhole,
  resolveHandlerOptions,
  type DeliveryContext,
  type Handler,
  type HandlerOptions,
} from './handler.js';
export { IdSequence } from './ids.js';
export { parseJson, type JsonText } from './json-text.js';
export { kindOf } from './kind-of.js';
export { requireKnownOptions } from './known-options.js';
export { AbandonedCalls } from './abandoned-calls.js';
export { LIMITS } from './limits.js';
export { lineLogger, type LogArguments, type LogFields, type Logger } from './logger.js';
export {
  restoreMessage,
  type HeaderMap,
  type MessageState,
  type ReceivedMessage,
  type StoredMessage,
  type VerifiedMessage,
} from './message.js';
export { isIdText, readId } from './id-text.js';
export {
  Deciding,
  IdField,
  IntegerField,
  LabelField,
  ListField,
  NameField,
  ObjectField,
  TextField,
  TimestampField,
  type PayloadClass,
} from './payload-fields.js';
export { didYouMean, nearest } from './nearest.js';
export { validatePayload, type PayloadCheck } from './payload-validation.js';
// `export *`: interfaces that a program extends by `declare module` must not be re-exported by name.
export type * from './provider-payloads.js';
export { describeNote, type ReadingNote } from './reading-note.js';
export type { Provider, Reading, RunSignal } from './provider.js';
export { Presence, type PresenceOptions } from './presence.js';
export { soonerDueAtMs, type DueAhead, type PulledBack, type PullBack } from './pull-back.js';
export { rowsOf, type ClockJump, type Purge, type PurgeBrake, type Purged } from './purge.js';
export { DEFAULT_RETENTION, Purger, type PurgerOptions, type RetentionOptions } from './purger.js';
export { Receiver, type Receipt, type ReceiverOptions } from './receiver.js';
export { Reasons } from './reasons.js';
export { Refusals, type RefusalsOptions } from './refusals.js';
export { requireOptions } from './required-options.js';
export type { RetryOptions } from './retry-policy.js';
export { handlerIdOf, lapsedBefore, type RegisteredHandler, type Role } from './registration.js';
export { Router } from './routing.js';
export type {
  AddedDeliveries,
  JobKey,
  Known,
  NewDelivery,
  NewEvent,
  RunDecision,
  RunKey,
  RunState,
} from './run-state.js';
export {
  runDurationMs,
  type JoinedRun,
  type Reference,
  type Run,
  type RunCommand,
  type RunResource,
  type RunStatus,
  type RunTrigger,
} from './run.js';
export { oneLine } from './one-line.js';
export { readHeaderName } from './signatures/header-name.js';
export { hmacHex, type HmacHexOptions } from './signatures/hmac-hex.js';
export { TEST_SECRETS } from './signatures/published-secrets.js';
export { signHmacHex, signStandardWebhooks, type StandardWebhooksMessage } from './signatures/sign.js';
export type { SignatureScheme } from './signatures/signature-scheme.js';
export type { StandardWebhooksFamily } from './signatures/standard-webhooks-headers.js';
export type { StandardWebhooksSecret } from './signatures/standard-webhooks-secret.js';
export { standardWebhooks, type StandardWebhooksOptions } from './signatures/standard-webhooks.js';
export { staticToken, type StaticTokenOptions } from './signatures/static-token.js';
export { unsigned } from './signatures/unsigned.js';
export {
  leftOutSources,
  openSources,
  type NamedSource,
  type OpenSource,
  type Source,
  type SourceOptions,
} from './source.js';
export { StoreGuard } from './store-guard.js';
export type * from './claim.js';
export type * from './operator-request.js';
export { SharedClock } from './shared-clock.js';
export type * from './store.js';
export type * from './transport.js';
export { parseTimestamp } from './timestamps.js';
export type { SignatureCheck, Verification } from './verification.js';
export type { RunOutcome } from './run-outcome.js';
