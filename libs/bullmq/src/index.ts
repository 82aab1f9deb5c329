export { bullmq } from './bullmq.js';
export type { BullmqOptions, RedisConnection } from './bullmq-options.js';
