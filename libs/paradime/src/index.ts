import type { ParadimeMessageType } from './message-type.js';
import type { ParadimePayload } from './payload.js';

export {
  paradime,
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
