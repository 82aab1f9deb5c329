import {
  type ActionRefusalReason,
  ActionRefusedError,
  isProviderApiError,
  type ProviderApiError,
} from 'nestjs-runhooks/core';

/** Words of dbt Cloud for a run that cannot be retried (`RetryNotSupportedReasonEnum` of dbt's OpenAPI specification). */
const RETRY_REFUSALS: ReadonlyMap<string, readonly [reason: ActionRefusalReason, found: string]> = new Map([
  ['RETRY_NOT_LATEST_RUN', ['not-latest', 'expected the latest run of its job, got one that a later run has followed']],
  ['RETRY_NOT_FAILED_RUN', ['not-failed', 'expected a run that has failed, got another one']],
  ['RETRY_NO_RUN_RESULTS', ['no-results', 'expected a run with results to continue from, got one without']],
  ['RETRY_UNSUPPORTED_CMD', ['unsupported', 'expected commands that dbt Cloud can retry, got another one']],
  ['RETRY_UNSUPPORTED_VERSION', ['unsupported', 'expected a version of dbt that dbt Cloud can retry, got another one']],
]);

/** Returns the word for a run that cannot be retried, if a message contains one. */
export function retryWordIn(message: string): string | undefined {
  return [...RETRY_REFUSALS.keys()].find((word) => message.includes(word));
}

/** Returns whether dbt Cloud refused what a call asked for: not its token, its rights or its rate. */
export function isRefusal(error: unknown): error is ProviderApiError {
  // The same reason is that of a redirect, which a proxy sends. A missing right can have the status 400, as dbt's Terraform provider shows.
  return (
    isProviderApiError(error) &&
    error.reason === 'refused' &&
    (error.status ?? 0) >= 400 &&
    !/\bpermissions?\b/i.test(error.message)
  );
}

/** Returns the error of a refused retry. `word` says why, if dbt Cloud does. */
export function retryRefused(runId: string, word: string | undefined, error: ProviderApiError): ActionRefusedError {
  const [reason, found] = RETRY_REFUSALS.get(word ?? '') ?? [];
  if (reason === undefined) return otherRefusal(error);
  const message = `dbt Cloud: retry run ${runId}: ${found} (${word}). Start a new run of the job if one is needed`;
  return new ActionRefusedError({ reason, message });
}

/** Returns the error of a refusal for which Runhooks has no reason. It quotes the message of dbt Cloud. */
export function otherRefusal({ message }: ProviderApiError): ActionRefusedError {
  return new ActionRefusedError({ reason: 'other', message });
}

/** Returns the error of a run that has ended before it could be canceled. */
export function alreadyOver(runId: string, status: number | undefined): ActionRefusedError {
  const message = `dbt Cloud: cancel run ${runId}: expected a run that has not ended, got one with the status ${status}. There is nothing to cancel`;
  return new ActionRefusedError({ reason: 'over', message });
}
