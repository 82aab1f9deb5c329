import type { StoreFactory } from 'nestjs-runhooks/core';
import { sqliteInbox } from 'nestjs-runhooks/sqlite';

/** Returns an SQLite inbox in memory that exists as long as the app: `WebhooksModule.forRoot({ …, inbox: memoryInbox() })`. */
export function memoryInbox(): StoreFactory {
  return sqliteInbox({ path: ':memory:' });
}
