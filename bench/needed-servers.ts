import type { ContenderName } from './contenders/contenders.js';
import type { ServerName } from './servers/server.js';

/** The servers that contenders need. */
export const NEEDED_SERVERS: Partial<Record<ContenderName, readonly ServerName[]>> = {
  'bullmq-always': ['redis-always'],
  'bullmq-always-working': ['redis-always'],
  'bullmq-everysec': ['redis-everysec'],
  'bullmq-everysec-working': ['redis-everysec'],
  graphile: ['postgres'],
  'graphile-working': ['postgres'],
  'pg-boss': ['postgres'],
  'pg-boss-working': ['postgres'],
  'ours-postgres': ['postgres'],
  'ours-dispatching-postgres': ['postgres'],
  'ours-dispatching-bullmq': ['postgres', 'redis-everysec'],
  'ours-one-worker': ['postgres'],
  'ours-two-workers': ['postgres'],
};
