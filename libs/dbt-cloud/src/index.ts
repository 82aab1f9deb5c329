import type { DbtCloudMessageType } from './message-type.js';
import type { DbtCloudPayload } from './payload.js';

export type {
  DbtCloudApiJob,
  DbtCloudApiPlace,
  DbtCloudApiRun,
  DbtCloudApiStep,
  DbtCloudApiSubscription,
  DbtCloudApiTrigger,
  DbtCloudStepLog,
} from './api/api-objects.js';
export type { ApiRight, DbtCloudApiOptions } from './api/api-options.js';
export type {
  DbtCloudArtifactOptions,
  DbtCloudCallOptions,
  DbtCloudJobFilter,
  DbtCloudManifestOptions,
  DbtCloudRunPage,
} from './api/call-options.js';
export { DbtCloudApi } from './api/dbt-cloud-api.js';
export type { DbtCloudPullRequest, DbtCloudRunOverrides, DbtCloudTriggerOptions } from './api/trigger-options.js';
export type { DbtCloudRunFilter } from './api/run-filter.js';
export type { DbtCloudSweepOptions } from './sweep/sweep-options.js';
export { dbtCloud, type DbtCloudOptions } from './source.js';
export type { DbtCloudMessageType } from './message-type.js';
export type { DbtCloudPayload, DbtCloudRunData } from './payload.js';

declare module 'nestjs-runhooks/core' {
  interface ProviderPayloads {
    'dbt-cloud': DbtCloudPayload;
  }
  interface ProviderMessageTypes {
    'dbt-cloud': DbtCloudMessageType;
  }
}
