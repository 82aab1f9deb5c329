import 'reflect-metadata';
import { sqliteInbox } from 'nestjs-runhooks/sqlite';
import { CrashApp } from './crash-app.js';
import { fastClock } from './fast-clock.js';
import { Ledger } from './ledger.js';
import { serve, telling } from './serve.js';

const [inboxPath = '', ledgerPath = '', life = '', clockStart = ''] = process.argv.slice(2);

await serve(`life ${life}`, () =>
  CrashApp.with({
    inbox: telling(sqliteInbox({ path: inboxPath })),
    clock: fastClock(Number(clockStart)),
    ledger: new Ledger(ledgerPath),
    life: Number(life),
  }),
);
