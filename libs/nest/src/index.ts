// The payloads of the built-in providers, for programs that name none of them, as libraries of handlers. Types only: no
// code of a provider is loaded.
export type {} from 'nestjs-runhooks/dbt-cloud';
export type {} from 'nestjs-runhooks/paradime';

export { ConfigurationError, Inbox, PermanentError, RetryLater, RunhooksError } from 'nestjs-runhooks/core';
export type {
  DeadLetter,
  DeadLetterEvent,
  DeliveryContext,
  EventFilter,
  HandlerOptions,
  InboxCounts,
  InboxStatus,
  InboxTransaction,
  JobState,
  JoinedRun,
  LogArguments,
  LogFields,
  MessageEvent,
  ProviderMessageTypes,
  ProviderName,
  ProviderPayloads,
  ProcessSummary,
  RetryOptions,
  Role,
  Run,
  RunCanceled,
  RunCommand,
  RunCompleted,
  RunEvent,
  RunEventType,
  RunFailed,
  RunRecovered,
  RunDetail,
  RunSummary,
  Incident,
  RunsJoined,
  RunStarted,
  RunStuck,
  RunStatus,
  RunSucceeded,
  MissingHandler,
  WebhookEvent,
} from 'nestjs-runhooks/core';
export type { HandlerDecorator, HandlerDecoratorOptions } from './decorators/handler.decorator.js';
export { OnAllRuns } from './decorators/on-all-runs.decorator.js';
export { OnDeadLetter } from './decorators/on-dead-letter.decorator.js';
export { OnMessage } from './decorators/on-message.decorator.js';
export {
  OnRun,
  OnRunCanceled,
  OnRunCompleted,
  OnRunFailed,
  OnRunRecovered,
  OnRunStarted,
  OnRunSucceeded,
} from './decorators/on-run.decorator.js';
export { OnRunStuck } from './decorators/on-run-stuck.decorator.js';
export { isWebhookContext, type WebhookArgumentsHost } from './handlers/webhook-context.js';
export type { WebhookRequest } from './handlers/webhook-request.js';
export { WebhooksModule, type WebhooksAsyncOptions, type WebhooksOptionsFactory } from './webhooks.module.js';
export type { WebhooksModuleExtras, WebhooksOptions } from './webhooks.options.js';
export { Webhooks } from './webhooks.service.js';
export { WEBHOOKS_OPTIONS, WEBHOOKS_STORE } from './webhooks.tokens.js';
