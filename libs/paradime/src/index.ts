import type { ParadimeMessageType } from './message-type.js';
import type { ParadimePayload } from './payload.js';

export type {
  ParadimeApiAddress,
  ParadimeApiKeyOptions,
  ParadimeApiOptions,
  ParadimeApiTokenOptions,
} from './api/api-options.js';
export type {
  ParadimeApiArtifact,
  ParadimeApiCommand,
  ParadimeApiCommandDetail,
  ParadimeApiCommandLog,
  ParadimeApiRun,
  ParadimeApiRunDetail,
  ParadimeApiSchedule,
  ParadimeApiWorkspace,
} from './api/api-objects.js';
export type {
  ParadimeArtifactOptions,
  ParadimeCallOptions,
  ParadimeManifestOptions,
  ParadimePage,
} from './api/call-options.js';
export { ParadimeApi } from './api/paradime-api.js';
export type { ParadimeTriggerOptions } from './api/run-actions.js';
export type { ParadimeSweptRun } from './sweep/envelope.js';
export type { ParadimeSweepOptions } from './sweep/sweep-options.js';
export {
  paradime,
  type ParadimeAccessOptions,
  type ParadimeOptions,
  type ParadimeStandardWebhooksOptions,
  type ParadimeStaticTokenOptions,
  type ParadimeUnsignedOptions,
} from './source.js';
export type { ParadimeMessageType } from './message-type.js';
export type {
  ParadimeCommand,
  ParadimeEnvironment,
  ParadimePayload,
  ParadimeResource,
  ParadimeSchedule,
  ParadimeWorkspace,
} from './payload.js';

declare module 'nestjs-runhooks/core' {
  interface ProviderPayloads {
    paradime: ParadimePayload;
  }
  interface ProviderMessageTypes {
    paradime: ParadimeMessageType;
  }
}
