/**
 * Message types of dbt. It documents `job.run.started`, `job.run.completed` and `job.run.errored`
 * (https://docs.getdbt.com/docs/deploy/webhooks). `job.run.canceled` is only in a draft of that page from 2022; today's
 * page states that dbt sends no messages about canceled runs.
 */
export type DbtCloudMessageType = 'job.run.started' | 'job.run.completed' | 'job.run.errored' | 'job.run.canceled';

const MESSAGE_TYPES: ReadonlyMap<string, DbtCloudMessageType> = new Map([
  ['job.run.started', 'job.run.started'],
  ['job.run.completed', 'job.run.completed'],
  ['job.run.errored', 'job.run.errored'],
  ['job.run.canceled', 'job.run.canceled'],
  // Other tools expect this spelling from dbt.
  ['job.run.cancelled', 'job.run.canceled'],
]);

/** Message types that `@OnMessage` accepts. */
export const DBT_CLOUD_MESSAGE_TYPES: readonly DbtCloudMessageType[] = [...new Set(MESSAGE_TYPES.values())];

/** Returns the message type, or `undefined` if it is unrecognized. Upper and lower case are the same. */
export function messageTypeOf(eventType: string): DbtCloudMessageType | undefined {
  return MESSAGE_TYPES.get(eventType.toLowerCase());
}
