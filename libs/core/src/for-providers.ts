/**
 * For authors of providers: the port `Provider`, sources, signature schemes, checked parsing of payloads, calls to APIs, and the
 * runs and signals that a provider reports. See [Write a provider](../../../docs/custom-provider.md).
 */
export { defined } from './defined.js';
export { kindOf } from './kind-of.js';
export { requireInteger, requireKnownOptions, requirePatterns } from './option-checks.js';
export { timers, type Timers } from './time/timers.js';
export { type OneOrMore, refersTo } from './handlers/filter.js';
export { defineSource, type SourceDefinition } from './sources/define-source.js';
export type { HeaderMap, ReceivedMessage, VerifiedMessage } from './sources/message.js';
export type { ParseResult, Provider } from './sources/provider.js';
export {
  type ActionAnswer,
  type ActionKind,
  type ActionOptions,
  type ActionRefusal,
  type ActionRefusalReason,
  ActionRefusedError,
  type ActionRun,
  isActionRefusedError,
  type ProviderAction,
  type RetryRunOptions,
} from './sources/provider-action.js';
export type {
  ApiHost,
  ApiPhase,
  ApiScope,
  OpenRun,
  ProviderApi,
  ReportedRun,
  Round,
  RoundContext,
} from './sources/provider-api.js';
export {
  type ResultsContext,
  ResultsNotReadyError,
  type ResultsReader,
  type ResultsReading,
} from './sources/results-reader.js';
export type { Source, SourceOptions } from './sources/source.js';
export type { SignatureCheck, Verification } from './sources/verification.js';

export { type ApiAnswer, type ApiCall, ApiCaller, type ApiCallerSettings } from './api/api-caller.js';
export { checkApiUrl, isLoopbackHost } from './api/api-url.js';
export { type ArtifactDownload, downloadArtifact, downloadArtifactBytes } from './api/artifact-download.js';
export { quotedMessage } from './api/quoted-message.js';

// `export *`: interfaces that a program extends by `declare module` must not be re-exported by name.
export type * from './events/provider-payloads.js';

export { readHeaderName } from './signatures/header-name.js';
export { hmacHex, type HmacHexOptions } from './signatures/hmac-hex.js';
export { signHmacHex, signStandardWebhooks, type StandardWebhooksMessage } from './signatures/sign.js';
export type { SignatureScheme } from './signatures/signature-scheme.js';
export { standardWebhooks, type StandardWebhooksOptions } from './signatures/standard-webhooks.js';
export type { StandardWebhooksFamily } from './signatures/standard-webhooks-headers.js';
export type { StandardWebhooksSecret } from './signatures/standard-webhooks-secret.js';
export { staticToken, type StaticTokenOptions } from './signatures/static-token.js';
export { unsigned } from './signatures/unsigned.js';

export { isIdText, readId } from './payloads/id-text.js';
export type { JsonText } from './payloads/json-reader.js';
export { parseJson } from './payloads/json-text.js';
export { describeNote, type ParseNote } from './payloads/parse-note.js';
export { type BlankValues, blankValues } from './payloads/payload-blank.js';
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
} from './payloads/payload-fields.js';
export type { PayloadClass } from './payloads/payload-plan.js';
export { type PayloadCheck, validatePayload } from './payloads/payload-validation.js';
export { parseTimestamp } from './payloads/timestamps.js';

export { nodeNameOf } from './nodes/node-name.js';
export {
  NODE_KINDS,
  type NodeCounts,
  type NodeKind,
  type NodeName,
  type NodeOutcome,
  type NodeResult,
  type NodeStep,
} from './nodes/node-result.js';
export type { MissingResults, MissingResultsReason, MissingStep } from './nodes/run-results.js';
export { ARGUMENTS, type ArgumentCheck, wrongArgument, wrongRun } from './actions/wrong-argument.js';
export { markedReason, markIn } from './runs/action-mark.js';
export { endTypesOf, type RunSignal, type RunSignalType } from './runs/run-signal.js';
export {
  type Reference,
  type Run,
  type RunCommand,
  type RunCommit,
  runDurationMs,
  type RunResource,
  type RunStatus,
  type RunTrigger,
} from './runs/run.js';
export { isMaybeFailed, statusWord } from './runs/status-word.js';
