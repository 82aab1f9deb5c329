import 'reflect-metadata';
import type { Role } from 'nestjs-runhooks';
import { bullmq } from 'nestjs-runhooks/bullmq';
import { postgresInbox } from 'nestjs-runhooks/postgres';
import { CrashApp } from '../crash/crash-app.js';
import { Ledger } from '../crash/ledger.js';
import { serve, telling } from '../crash/serve.js';
import { clusterClock } from './cluster-clock.js';
import { ExactHandler } from './exact-handler.js';

/** Where the processes of a cluster meet, and what one of them is. */
export interface ChildPlace {
  readonly life: number;
  readonly role: Role;
  readonly postgres: string;
  /** Undefined where deliveries are claimed from the inbox. */
  readonly redis?: string;
  readonly ledger: string;
  readonly clockStartMs: number;
}

const { life, role, postgres, redis, ledger, clockStartMs } = JSON.parse(process.argv[2] ?? '') as ChildPlace;

await serve(`${role} ${life}`, () =>
  CrashApp.with({
    inbox: telling(postgresInbox({ connectionString: postgres })),
    clock: clusterClock(clockStartMs),
    ledger: new Ledger(ledger),
    life,
    webhooks: { role, ...(redis !== undefined && { dispatch: bullmq({ connection: redis }) }) },
    handlers: [ExactHandler],
  }),
);
