import 'reflect-metadata';
import { sqliteInbox } from 'nestjs-runhooks/sqlite';
import { CrashApp } from './crash-app.js';
import { fastClock } from './fast-clock.js';
import { Ledger } from './ledger.js';
import { serve, reportingOpen } from './serve.js';

const [inboxPath = '', ledgerPath = '', processNumber = '', clockStart = ''] = process.argv.slice(2);

await serve(`process ${processNumber}`, () =>
  CrashApp.with({
    inbox: reportingOpen(sqliteInbox({ path: inboxPath })),
    clock: fastClock(Number(clockStart)),
    ledger: new Ledger(ledgerPath),
    processNumber: Number(processNumber),
  }),
);
