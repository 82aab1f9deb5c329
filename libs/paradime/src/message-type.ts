/** Message types of Paradime's Bolt scheduler (https://docs.paradime.io/app-help/developers/webhooks/getting-started). */
export type ParadimeMessageType = 'bolt.run.started' | 'bolt.run.completed';

/** Message types that `@OnMessage` accepts. `unknown` is the type of messages that report neither a start nor an end. */
export const PARADIME_MESSAGE_TYPES: readonly (ParadimeMessageType | 'unknown')[] = [
  'bolt.run.started',
  'bolt.run.completed',
  'unknown',
];
