import { bullmq } from 'nestjs-runhooks/bullmq';
import { postgresInbox } from 'nestjs-runhooks/postgres';
import { sqliteInbox } from 'nestjs-runhooks/sqlite';
import { bareFastify } from './bare-fastify.js';
import { bareHttp } from './bare-http.js';
import { golevelup } from './golevelup.js';
import { handNest } from './hand-nest.js';
import { host } from './host.js';
import { octokit } from './octokit.js';
import { ours } from './ours.js';
import { bullmqQueue } from './peers/bullmq-queue.js';
import { graphileQueue } from './peers/graphile-queue.js';
import { peerApp } from './peers/peer-app.js';
import { pgBossQueue } from './peers/pg-boss-queue.js';
import { sqliteQueue } from './peers/sqlite-queue.js';
import type { Running } from './running.js';
import { withWorkers } from './with-workers.js';

/** What a contender may use. No other contender has its file and its name. */
export interface ContenderPlace {
  readonly file: string;
  /** A schema in Postgres or a prefix in Redis. */
  readonly name: string;
  /** Address of Postgres; empty if the contender does not need it. */
  readonly postgresUrl: string;
  readonly redisUrl: string;
}

type Start = (place: ContenderPlace) => Promise<Running>;

const sqlite = ({ file }: ContenderPlace) => sqliteInbox({ path: file });
const postgres = ({ postgresUrl, name }: ContenderPlace) =>
  postgresInbox({ connectionString: postgresUrl, schema: name });

const bullmqPeer =
  (isWorking: boolean): Start =>
  ({ redisUrl, name }) =>
    peerApp(isWorking, (start) => bullmqQueue(redisUrl, name, start));
const graphilePeer =
  (isWorking: boolean): Start =>
  ({ postgresUrl, name }) =>
    peerApp(isWorking, (start) => graphileQueue(postgresUrl, name, start));
const pgBossPeer =
  (isWorking: boolean): Start =>
  ({ postgresUrl, name }) =>
    peerApp(isWorking, (start) => pgBossQueue(postgresUrl, name, start));
const sqlitePeer =
  (isWorking: boolean): Start =>
  ({ file }) =>
    peerApp(isWorking, (start) => sqliteQueue(file, start));

/** Starts each contender. Names that end in `-working` or contain `dispatching` have a worker in the process. */
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
  'bullmq-always': bullmqPeer(false),
  'bullmq-always-working': bullmqPeer(true),
  'bullmq-everysec': bullmqPeer(false),
  'bullmq-everysec-working': bullmqPeer(true),
  graphile: graphilePeer(false),
  'graphile-working': graphilePeer(true),
  'pg-boss': pgBossPeer(false),
  'pg-boss-working': pgBossPeer(true),
  'sqlite-by-hand': sqlitePeer(false),
  'sqlite-by-hand-working': sqlitePeer(true),
  'ours-express': (place) => ours('express', { inbox: sqlite(place), dispatch: 'manual' }),
  'ours-fastify': (place) => ours('fastify', { inbox: sqlite(place), dispatch: 'manual' }),
  'ours-fastify-ten': (place) => ours('fastify', { inbox: sqlite(place), dispatch: 'manual', handlers: 'ten' }),
  'ours-postgres': (place) => ours('fastify', { inbox: postgres(place), dispatch: 'manual' }),
  'ours-dispatching': (place) => ours('fastify', { inbox: sqlite(place) }),
  'ours-dispatching-express': (place) => ours('express', { inbox: sqlite(place) }),
  'ours-dispatching-ten': (place) => ours('fastify', { inbox: sqlite(place), handlers: 'ten' }),
  'ours-dispatching-postgres': (place) => ours('fastify', { inbox: postgres(place) }),
  'ours-dispatching-bullmq': (place) =>
    ours('fastify', {
      inbox: postgres(place),
      dispatch: bullmq({ connection: place.redisUrl, prefix: place.name }),
    }),
  'ours-one-worker': ({ postgresUrl, name }) => withWorkers(1, postgresUrl, name),
  'ours-two-workers': ({ postgresUrl, name }) => withWorkers(2, postgresUrl, name),
  'ours-stamping': (place) => ours('fastify', { inbox: sqlite(place), handlers: 'stamping' }),
  'host-express': () => host('express'),
  'host-fastify': () => host('fastify'),
  'host-express-ours': (place) => host('express', place.file),
  'host-fastify-ours': (place) => host('fastify', place.file),
} satisfies Record<string, Start>;

export type ContenderName = keyof typeof CONTENDERS;
