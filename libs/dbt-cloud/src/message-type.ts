/**
 * What dbt announces. `job.run.started`, `job.run.completed` and `job.run.errored` are documented
 * (https://docs.getdbt.com/docs/deploy/webhooks); `job.run.canceled` is in a draft of that page of 2022 only, and
 * today's dbt says that it announces no canceled runs.
 */
export type DbtCloudMessageType = 'job.run.started' | 'job.run.completed' | 'job.run.errored' | 'job.run.canceled';

const MESSAGE_TYPES: ReadonlyMap<string, DbtCloudMessageType> = new Map([
  ['job.run.started', 'job.run.started'],
  ['job.run.completed', 'job.run.completed'],
  ['job.run.errored', 'job.run.errored'],
  ['job.run.canceled', 'job.run.canceled'],
  // The spelling other tools expect from dbt.
  ['job.run.cancelled', 'job.run.canceled'],
]);

/** As `@OnMessage` takes them. */
export const DBT_CLOUD_MESSAGE_TYPES: readonly DbtCloudMessageType[] = [...new Set(MESSAGE_TYPES.values())];

/** In any case: nothing else could be meant. */
export function messageTypeOf(eventType: string): DbtCloudMessageType | undefined {
  return MESSAGE_TYPES.get(eventType.toLowerCase());
}
