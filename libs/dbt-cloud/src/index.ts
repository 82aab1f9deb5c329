import type { DbtCloudMessageType } from './message-type.js';
import type { DbtCloudPayload } from './payload.js';

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
