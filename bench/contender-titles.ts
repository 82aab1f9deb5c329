import type { ContenderName } from './contenders/contenders.js';

/** Titles in the tables and the plot. */
export const TITLES: Record<ContenderName, string> = {
  'bare-http': '(a) node:http',
  'bare-fastify': '(b) Fastify',
  'hand-express': '(c) Nest Express by hand',
  'hand-fastify': '(c) Nest Fastify by hand',
  'hand-express-validated': '(c) Nest Express by hand, class-validator',
  'hand-fastify-validated': '(c) Nest Fastify by hand, class-validator',
  octokit: '(d) @octokit/webhooks',
  'golevelup-express': '(e) @golevelup/nestjs-stripe, Express',
  'golevelup-fastify': '(e) @golevelup/nestjs-stripe, Fastify',
  'ours-express': '(f) Runhooks Express, SQLite FULL',
  'ours-fastify': '(f) Runhooks Fastify, SQLite FULL',
  'ours-fastify-ten': '(f) Runhooks Fastify, SQLite FULL, ten handlers',
  'ours-postgres': '(g) Runhooks Fastify, Postgres',
  'ours-dispatching': '(f) Runhooks Fastify, SQLite FULL',
  'ours-dispatching-express': '(f) Runhooks Express, SQLite FULL',
  'ours-dispatching-ten': '(f) Runhooks Fastify, SQLite FULL, ten handlers',
  'ours-dispatching-postgres': '(g) Runhooks Fastify, Postgres',
  'ours-stamping': '(f) Runhooks Fastify, SQLite FULL',
  'per-request': 'Nest Fastify by hand, SQLite FULL, a transaction per request',
  'host-express': 'Express app',
  'host-fastify': 'Fastify app',
  'host-express-ours': 'Express app with WebhooksModule',
  'host-fastify-ours': 'Fastify app with WebhooksModule',
};
