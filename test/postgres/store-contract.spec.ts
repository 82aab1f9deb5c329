import { it } from '@jest/globals';
import type { Store } from 'nestjs-runhooks/core';
import { storeContract } from 'nestjs-runhooks/testing';
import { onPostgres, Schemas } from './server.js';

onPostgres('the store contract on PostgreSQL', () => {
  const schemas = new Schemas();
  const schemaOf = new Map<Store, string>();

  async function open(schema: string): Promise<Store> {
    const store = await schemas.open({ schema, connectionsMax: 4 });
    schemaOf.set(store, schema);
    return store;
  }

  async function reopen(store: Store): Promise<Store> {
    await store.close();
    return await open(schemaOf.get(store) ?? '');
  }

  for (const { title, run } of storeContract(async () => open(await schemas.emptied()), {
    reopen,
    settlesWith: true,
    releases: true,
    keepsRounds: true,
    keepsResults: true,
    keepsActions: true,
  }))
    it(title, run);
});
