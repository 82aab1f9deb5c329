import type { Store } from 'nestjs-runhooks/core';
import { KillablePool } from '../postgres/killable-pool.js';
import type { Schemas } from '../postgres/server.js';
import type { InboxSite } from './inbox-site.js';

/** Returns an empty inbox in a schema. Killed processes lose their connections and get no new ones. */
export async function postgresPlace(schemas: Schemas): Promise<InboxSite> {
  const schema = await schemas.emptied();
  let alive: KillablePool[] = [];
  const all: KillablePool[] = [];
  let dying: Promise<unknown> = Promise.resolve();
  return {
    isInOrder: false,
    open: async (): Promise<Store> => {
      await dying;
      const pool = new KillablePool();
      alive.push(pool);
      all.push(pool);
      return await schemas.open({ pool, schema, notify: false });
    },
    kill: () => {
      const killed = alive;
      alive = [];
      dying = Promise.all(killed.map((pool) => pool.kill()));
    },
    remove: async () => {
      await Promise.all(all.map((pool) => pool.end()));
    },
  };
}
