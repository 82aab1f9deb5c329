export { dbtCloudWebhook, type DbtCloudTestEvent, type DbtCloudWebhookOptions } from './webhooks/dbt-cloud-webhook.js';
export {
  fakeDbtCloud,
  type FakeDbtApiOptions,
  type FakeDbtCloud,
  type FakeDbtCloudOptions,
} from './fakes/dbt-cloud/fake-dbt-cloud.js';
export type { FakeDbtRight } from './fakes/dbt-cloud/dbt-routes.js';
export type { FakeDbtJob, FakeDbtJobOptions } from './fakes/dbt-cloud/fake-dbt-job.js';
export type {
  FakeDbtCancelOptions,
  FakeDbtEndOptions,
  FakeDbtFiles,
  FakeDbtRun,
  FakeDbtRetryUnsupported,
  FakeDbtRunOptions,
  FakeDbtStatus,
} from './fakes/dbt-cloud/fake-dbt-run.js';
export type {
  FakeDbtMessageType,
  FakeDbtSubscription,
  FakeDbtSubscriptionOptions,
} from './fakes/dbt-cloud/fake-dbt-subscription.js';
export type { FakeCall } from './fakes/fake-call.js';
export type {
  FakeErrorOptions,
  FakeFailureOptions,
  FakeFaults,
  FakeFaultScope,
  FakeRateLimitOptions,
} from './fakes/fake-faults.js';
export {
  fakeParadime,
  type FakeParadime,
  type FakeParadimeApiOptions,
  type FakeParadimeOptions,
} from './fakes/paradime/fake-paradime.js';
export type {
  FakeBoltCancelOptions,
  FakeBoltEndOptions,
  FakeBoltFile,
  FakeBoltFiles,
  FakeBoltRun,
  FakeBoltRunOptions,
  FakeBoltState,
} from './fakes/paradime/fake-bolt-run.js';
export type { FakeBoltSchedule, FakeBoltScheduleOptions } from './fakes/paradime/fake-bolt-schedule.js';
export type {
  FakeBoltMessageType,
  FakeBoltSubscription,
  FakeBoltSubscriptionOptions,
} from './fakes/paradime/fake-bolt-subscription.js';
export type { FakeParadimeCredential, FakeParadimeCredentials } from './fakes/paradime/fake-paradime-credential.js';
export type { FakeWebhook, FakeWebhookAttempt } from './fakes/fake-webhook.js';
export { type DbtFileOptions, type DbtFileRow, runResultsFile, sourcesFile } from './fakes/dbt-files.js';
export { ManualClock } from './manual-clock.js';
export { memoryInbox } from './memory-inbox.js';
export { paradimeWebhook, type ParadimeTestEvent, type ParadimeWebhookOptions } from './webhooks/paradime-webhook.js';
export type { PayloadOverride } from './webhooks/payload-override.js';
export { sendWebhook, type WebhookResponse } from './webhooks/send-webhook.js';
export { signDbtCloud } from './webhooks/sign-dbt-cloud.js';
export { signParadime, type ParadimeSignatureOptions } from './webhooks/sign-paradime.js';
export type { SignedWebhook } from './webhooks/signed-webhook.js';
export { storeContract, type StoreContractOptions, type StoreContractTest } from './store-contract/store-contract.js';
export { sweep } from './sweep.js';
export { TEST_SECRETS } from 'nestjs-runhooks/core';
export { waitUntilIdle } from './wait-until-idle.js';
