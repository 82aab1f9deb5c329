import { sqliteInbox } from 'nestjs-runhooks/sqlite';
import { bareFastify } from './bare-fastify.js';
import { bareHttp } from './bare-http.js';
import { golevelup } from './golevelup.js';
import { handNest } from './hand-nest.js';
import { host } from './host.js';
import { octokit } from './octokit.js';
import { ours } from './ours.js';
import { perRequest } from './per-request.js';
import { postgresInbox } from './postgres-inbox.js';
import type { Running } from './running.js';

/** Starts each contender. `place` is a path and a name that no other contender uses. */
export const CONTENDERS = {
  'bare-http': () => bareHttp(),
  'bare-fastify': () => bareFastify(),
  'hand-express': () => handNest('express', false),
  'hand-fastify': () => handNest('fastify', false),
  'hand-express-validated': () => handNest('express', true),
  'hand-fastify-validated': () => handNest('fastify', true),
  octokit: () => octokit(),
  'golevelup-express': () => golevelup('express'),
  'golevelup-fastify': () => golevelup('fastify'),
  'ours-express': (place) => ours({ adapter: 'express', inbox: sqliteInbox({ path: place.file }), dispatch: 'manual' }),
  'ours-fastify': (place) => ours({ adapter: 'fastify', inbox: sqliteInbox({ path: place.file }), dispatch: 'manual' }),
  'ours-fastify-ten': (place) =>
    ours({ adapter: 'fastify', inbox: sqliteInbox({ path: place.file }), dispatch: 'manual', handlers: 'ten' }),
  'ours-postgres': async (place) =>
    ours({ adapter: 'fastify', inbox: await postgresInbox(place.name), dispatch: 'manual' }),
  'ours-dispatching': (place) => ours({ adapter: 'fastify', inbox: sqliteInbox({ path: place.file }) }),
  'ours-dispatching-express': (place) => ours({ adapter: 'express', inbox: sqliteInbox({ path: place.file }) }),
  'ours-dispatching-ten': (place) =>
    ours({ adapter: 'fastify', inbox: sqliteInbox({ path: place.file }), handlers: 'ten' }),
  'ours-dispatching-postgres': async (place) => ours({ adapter: 'fastify', inbox: await postgresInbox(place.name) }),
  'ours-stamping': (place) =>
    ours({ adapter: 'fastify', inbox: sqliteInbox({ path: place.file }), handlers: 'stamping' }),
  'per-request': (place) => perRequest(place.file),
  'host-express': () => host('express'),
  'host-fastify': () => host('fastify'),
  'host-express-ours': (place) => host('express', place.file),
  'host-fastify-ours': (place) => host('fastify', place.file),
} satisfies Record<string, (place: ContenderFile) => Promise<Running>>;

export interface ContenderFile {
  readonly file: string;
  readonly name: string;
}

export type ContenderName = keyof typeof CONTENDERS;
