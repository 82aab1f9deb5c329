import { afterAll, beforeAll } from '@jest/globals';
import { onPostgres, Schemas } from '../postgres/server.js';
import { describeRuns, RUNS_ON_POSTGRES } from './runs-model.js';
import { onEveryDriver, sharedFiles } from './sqlite-files.js';

onEveryDriver('two processes on one SQLite inbox', (driver) => {
  let files: Awaited<ReturnType<typeof sharedFiles>>;
  beforeAll(async () => {
    files = await sharedFiles(driver);
  });
  afterAll(() => files.remove());

  describeRuns(() => files.newInbox());
});

onPostgres('two processes on one Postgres inbox', () => {
  const schemas = new Schemas();

  describeRuns(async () => {
    const schema = await schemas.emptied();
    return { open: () => schemas.open({ schema, notify: false, connectionsMax: 4 }), remove: () => undefined };
  }, RUNS_ON_POSTGRES);
});
