import type { ContenderName } from './contenders/contenders.js';

const OURS = 'Runhooks Fastify, SQLite FULL';
const OURS_POSTGRES = 'Runhooks Fastify, Postgres';

/** Titles in the tables and the plot. */
export const TITLES: Record<ContenderName, string> = {
  'bare-http': 'node:http (stores nothing)',
  'bare-fastify': 'Fastify (stores nothing)',
  'hand-express': 'Nest Express by hand (stores nothing)',
  'hand-fastify': 'Nest Fastify by hand (stores nothing)',
  'hand-express-validated': 'Nest Express by hand, class-validator (stores nothing)',
  'hand-fastify-validated': 'Nest Fastify by hand, class-validator (stores nothing)',
  octokit: '@octokit/webhooks (stores nothing)',
  'golevelup-express': '@golevelup/nestjs-stripe, Express (stores nothing)',
  'golevelup-fastify': '@golevelup/nestjs-stripe, Fastify (stores nothing)',
  'bullmq-always': 'BullMQ, appendfsync always',
  'bullmq-always-working': 'BullMQ, appendfsync always',
  'bullmq-everysec': 'BullMQ, appendfsync everysec (may lose a second)',
  'bullmq-everysec-working': 'BullMQ, appendfsync everysec (may lose a second)',
  graphile: 'Graphile Worker, Postgres',
  'graphile-working': 'Graphile Worker, Postgres',
  'pg-boss': 'pg-boss, Postgres',
  'pg-boss-working': 'pg-boss, Postgres',
  'sqlite-by-hand': 'SQLite FULL by hand, a transaction per request',
  'sqlite-by-hand-working': 'SQLite FULL by hand, a transaction per request',
  'ours-express': 'Runhooks Express, SQLite FULL',
  'ours-fastify': OURS,
  'ours-fastify-ten': `${OURS}, ten handlers`,
  'ours-postgres': OURS_POSTGRES,
  'ours-dispatching': OURS,
  'ours-dispatching-express': 'Runhooks Express, SQLite FULL',
  'ours-dispatching-ten': `${OURS}, ten handlers`,
  'ours-dispatching-postgres': OURS_POSTGRES,
  'ours-dispatching-bullmq': `${OURS_POSTGRES}, BullMQ as dispatch backend`,
  'ours-one-worker': `${OURS_POSTGRES}, a receiver and one worker`,
  'ours-two-workers': `${OURS_POSTGRES}, a receiver and two workers`,
  'ours-stamping': OURS,
  'host-express': 'Express app',
  'host-fastify': 'Fastify app',
  'host-express-ours': 'Express app with WebhooksModule',
  'host-fastify-ours': 'Fastify app with WebhooksModule',
};
