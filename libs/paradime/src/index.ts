import type { ParadimePayload } from './payload.js';

export {
  paradime,
  type ParadimeOptions,
  type ParadimeStandardWebhooksOptions,
  type ParadimeStaticTokenOptions,
  type ParadimeUnsignedOptions,
} from './source.js';
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
    paradime: 'bolt.run.started' | 'bolt.run.completed';
  }
}
