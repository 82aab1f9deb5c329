import type { StoreFactory } from 'nestjs-runhooks/core';
import { sqliteInbox } from 'nestjs-runhooks/sqlite';

/** A real SQLite inbox that is gone with the app, for `WebhooksModule.forRoot({ inbox: memoryInbox() })`. */
export function memoryInbox(): StoreFactory {
  return sqliteInbox({ path: ':memory:' });
}
