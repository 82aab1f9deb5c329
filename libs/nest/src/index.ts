// These imports make the payload types of the built-in providers known to programs that import no provider, such as
// libraries of handlers. They load no code.
export type {} from 'nestjs-runhooks/dbt-cloud';
export type {} from 'nestjs-runhooks/paradime';

export {
  ActionPendingError,
  ActionRefusedError,
  ActionUnknownError,
  ConfigurationError,
  isActionPendingError,
  isActionRefusedError,
  isActionUnknownError,
  PermanentError,
  RetryLater,
  RunhooksError,
} from 'nestjs-runhooks/core';
export { Inbox } from 'nestjs-runhooks/internal';
// Events, and options of handlers and of the module.
export type {
  ActionAnswer,
  ActionOptions,
  ActionRefusalReason,
  ActionRun,
  AvailableResults,
  Incident,
  InboxTransaction,
  LogCode,
  LogFields,
  MissingResults,
  MissingResultsReason,
  MissingStep,
  NodeCounts,
  NodeKind,
  NodeName,
  NodeOutcome,
  NodeResult,
  NodeStep,
  ProviderName,
  RetryRunOptions,
  Role,
  Run,
  RunCommand,
  RunResults,
  RunStatus,
} from 'nestjs-runhooks/core';
export type {
  Clock,
  DeadLetter,
  DeadLetterEvent,
  DeliveryContext,
  EventFilter,
  HandlerOptions,
  JoinedRun,
  LogArguments,
  MessageEvent,
  NodeFailed,
  NodeFilter,
  NodeRecovered,
  OnAllRunsOptions,
  OneOrMore,
  Redact,
  RetentionOptions,
  RetryOptions,
  RunCanceled,
  RunCompleted,
  RunEvent,
  RunEventType,
  RunFailed,
  RunRecovered,
  RunResultsEvent,
  RunsJoined,
  RunStarted,
  RunStuck,
  RunSucceeded,
  StuckAfter,
  WebhookEvent,
} from 'nestjs-runhooks/internal';
// Arguments and results of Inbox.
export type {
  ActionFilter,
  ActionState,
  ActionSummary,
  AttemptOutcome,
  AttemptSummary,
  AuditEntry,
  DecidedBy,
  DeliverySummary,
  Dismissal,
  Erased,
  EventSummary,
  FoundCount,
  InboxCounts,
  JobKey,
  JobState,
  MessageDetail,
  MessageFilter,
  MessageOrigin,
  MessageState,
  MessageSummary,
  MissingHandler,
  Page,
  PageRequest,
  ProcessSummary,
  Redrive,
  RoundSelection,
  RoundSummary,
  RunFilter,
  RunKey,
  RunSummary,
  StoredEventFilter,
} from 'nestjs-runhooks/core';
export type {
  ActionDecision,
  DeliveryQuery,
  Erase,
  InboxStatus,
  Replay,
  ReparseOptions,
  RunDetail,
} from 'nestjs-runhooks/internal';
export type { HandlerDecorator, HandlerDecoratorOptions } from './decorators/handler.decorator.js';
export { InjectProviderApi } from './decorators/inject-provider-api.decorator.js';
export { OnAllRuns } from './decorators/on-all-runs.decorator.js';
export { OnDeadLetter } from './decorators/on-dead-letter.decorator.js';
export { OnMessage } from './decorators/on-message.decorator.js';
export { OnNodeFailed, OnNodeRecovered } from './decorators/on-node.decorator.js';
export {
  OnRun,
  OnRunCanceled,
  OnRunCompleted,
  OnRunFailed,
  OnRunRecovered,
  OnRunStarted,
  OnRunSucceeded,
} from './decorators/on-run.decorator.js';
export { OnRunResults } from './decorators/on-run-results.decorator.js';
export { OnRunStuck } from './decorators/on-run-stuck.decorator.js';
export { isWebhookContext, type WebhookArgumentsHost } from './handlers/webhook-context.js';
export type { WebhookRequest } from './handlers/webhook-request.js';
export { WebhooksModule, type WebhooksAsyncOptions, type WebhooksOptionsFactory } from './webhooks.module.js';
export type { WebhooksModuleExtras, WebhooksOptions } from './webhooks.options.js';
export { Webhooks } from './webhooks.service.js';
export { WEBHOOKS_STORE } from './webhooks.tokens.js';
