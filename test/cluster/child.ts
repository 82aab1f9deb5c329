import 'reflect-metadata';
import type { Role } from 'nestjs-runhooks';
import { bullmq } from 'nestjs-runhooks/bullmq';
import { postgresInbox } from 'nestjs-runhooks/postgres';
import { CrashApp } from '../crash/crash-app.js';
import { Ledger } from '../crash/ledger.js';
import { serve, reportingOpen } from '../crash/serve.js';
import { clusterClock } from './cluster-clock.js';
import { ExactHandler } from './exact-handler.js';

/** The servers and files that the processes of a cluster share, and the role of one process. */
export interface ChildOptions {
  readonly processNumber: number;
  readonly role: Role;
  readonly postgres: string;
  /** Undefined if deliveries are claimed from the inbox. */
  readonly redis?: string;
  readonly ledger: string;
  readonly clockStartMs: number;
}

const { processNumber, role, postgres, redis, ledger, clockStartMs } = JSON.parse(
  process.argv[2] ?? '',
) as ChildOptions;

await serve(`${role} ${processNumber}`, () =>
  CrashApp.with({
    inbox: reportingOpen(postgresInbox({ connectionString: postgres })),
    clock: clusterClock(clockStartMs),
    ledger: new Ledger(ledger),
    processNumber,
    webhooks: { role, ...(redis !== undefined && { dispatch: bullmq({ connection: redis }) }) },
    handlers: [ExactHandler],
  }),
);
