export type * from './store/delivery.js';
export type * from './store/task.js';
export type * from './store/inbox-reader.js';
// `export *`: interfaces that a program extends by `declare module` must not be re-exported by name.
export type * from './events/provider-payloads.js';
export type * from './store/claim.js';
export type * from './store/operator-request.js';
export type * from './store/store.js';
export type * from './deliveries/dispatch-transport.js';
export { type Clock, systemClock } from './time/clock.js';
export { defined } from './defined.js';
export { durationText } from './time/duration-text.js';
export { Engine, type EngineOptions } from './engine.js';
export {
  ConfigurationError,
  HandlerTimeoutError,
  isConfigurationError,
  isPermanentError,
  isRetryLater,
  isRunhooksError,
  isStoreUnavailableError,
  LeaseLostError,
  OwnError,
  PermanentError,
  RetryLater,
  RunhooksError,
  ShutdownError,
  StoreUnavailableError,
} from './errors.js';
export { IdSequence } from './ids.js';
export { kindOf } from './kind-of.js';
export { LIMITS } from './limits.js';
export {
  type CodedLogFields,
  lineLogger,
  type LogArguments,
  type LogCode,
  type LogFields,
  type Logger,
} from './log/logger.js';
export { didYouMean, nearest } from './nearest.js';
export { requireOneCopy } from './one-copy.js';
export { oneLine } from './one-line.js';
export { requireKnownOptions, requireOptions, requireInteger } from './option-checks.js';
export { FailureLog, type FailureLogOptions } from './log/failure-log.js';
export { Reasons } from './log/reasons.js';
export { attemptError, describeError } from './thrown.js';
export { timers, type Timers } from './time/timers.js';
export { within } from './time/within.js';
export { ClockWatch } from './clocks/clock-watch.js';
export { SharedClock } from './clocks/shared-clock.js';
export { Dispatcher } from './dispatcher/dispatcher.js';
export { Presence } from './dispatcher/presence.js';
export { PayloadUnavailableError, type StoredEvent } from './events/event-data.js';
export {
  DEAD_LETTER_EVENT_TYPE,
  type DeadLetter,
  type DeadLetterEvent,
  MESSAGE_EVENT_TYPE,
  type MessageEvent,
  type RunCanceled,
  type RunCompleted,
  type RunEvent,
  type RunFailed,
  type RunRecovered,
  type RunsJoined,
  type RunStarted,
  type RunStuck,
  type RunSucceeded,
  type WebhookEvent,
  type WebhookEventType,
} from './events/event.js';
export { type EventFilter, type Filterable, type OneOrMore, type Routable, valuesOf } from './handlers/filter.js';
export { HandlerSet } from './handlers/handler-set.js';
export {
  type DeliveryContext,
  type Handler,
  type HandlerOptions,
  type InboxTransaction,
  resolveHandlerOptions,
} from './handlers/handler.js';
export { handlerIdOf, lapsedBefore, type RegisteredHandler, type Role } from './handlers/registration.js';
export type { RetryOptions } from './handlers/retry-policy.js';
export type { NewDelivery } from './handlers/router.js';
export {
  type OnAllRunsOptions,
  checkBarrier,
  checkStuckAfter,
  type StuckAfter,
  type SubscribedTo,
  type Subscription,
} from './handlers/subscription.js';
export type { Erase } from './inbox/eraser.js';
export { type DeliveryQuery, Inbox, type InboxStatus, type RunDetail } from './inbox/inbox.js';
export type { ReparseOptions, Replay } from './inbox/requests.js';
export { DEFAULT_RETENTION, Purger, type RetentionOptions } from './inbox/purger.js';
export { parseDated } from './payloads/dated-json.js';
export { isIdText, readId } from './payloads/id-text.js';
export type { JsonText } from './payloads/json-reader.js';
export { parseJson } from './payloads/json-text.js';
export { type BlankValues, blankValues } from './payloads/payload-blank.js';
export {
  Deciding,
  IdField,
  IntegerField,
  LabelField,
  ListField,
  NameField,
  ObjectField,
  type PayloadClass,
  TextField,
  TimestampField,
} from './payloads/payload-fields.js';
export { type PayloadCheck, validatePayload } from './payloads/payload-validation.js';
export { describeNote, type ParseNote } from './payloads/parse-note.js';
export { parseTimestamp } from './payloads/timestamps.js';
export { type Receipt, Receiver } from './receiver/receiver.js';
export { Refusals } from './receiver/refusals.js';
export type { FailedRun, Incident, JobState } from './runs/incident.js';
export {
  endTypesOf,
  RUN_EVENT_TYPES,
  RUN_SIGNAL_TYPES,
  type RunEventType,
  type RunSignal,
  type RunSignalType,
} from './runs/run-signal.js';
export type { JobKey, RunKey, RunState } from './runs/run-state.js';
export {
  type JoinedRun,
  type Reference,
  type Run,
  type RunCommand,
  runDurationMs,
  type RunOutcome,
  type RunResource,
  type RunStatus,
  type RunTrigger,
} from './runs/run.js';
export { isMaybeFailed, statusWord } from './runs/status-word.js';
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
  type HeaderMap,
  type MessageState,
  type ReceivedMessage,
  restoreMessage,
  type StoredMessage,
  type VerifiedMessage,
} from './sources/message.js';
export type { Provider, ParseResult } from './sources/provider.js';
export { defineSource, type SourceDefinition } from './sources/define-source.js';
export { type NamedSource, type OpenSource, openSources, type Source, type SourceOptions } from './sources/source.js';
export type { SignatureCheck, Verification } from './sources/verification.js';
export type { DecidedAction, DecidedBy, Decision } from './store/decision.js';
export { ERASED_EVENT_DATA, erasedFromBarrier } from './store/erasure.js';
export { type DueAhead, type PullBack, type PulledBack, soonerDueAtMs } from './store/pull-back.js';
export { type ClockJump, type Purge, type PurgeBrake, type Purged, rowsOf } from './store/purge.js';
export type {
  AddedDeliveries,
  Known,
  NewEvent,
  NewTask,
  Recorded,
  Recording,
  RunDecision,
  TaskKind,
} from './store/recording.js';
export { StoreGuard } from './store/store-guard.js';
