/**
 * For everyone who catches or throws errors of Runhooks, in an app, a provider or a store: the error classes, functions that
 * recognize them across copies of the package, and constants. See [Errors](../../../docs/errors.md).
 */
export {
  ActionKeyError,
  ActionPendingError,
  ActionUnknownError,
  isActionPendingError,
  isActionUnknownError,
} from './actions/action-errors.js';
export {
  isProviderApiError,
  ProviderApiError,
  type ProviderApiErrorReason,
  ProviderCooldownError,
} from './api/provider-api-error.js';
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
export { PayloadUnavailableError } from './events/event-data.js';
export { TEST_SECRETS } from './signatures/published-secrets.js';
