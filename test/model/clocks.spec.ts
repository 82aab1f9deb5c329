import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, it } from '@jest/globals';
import { onPostgres, Schemas } from '../postgres/server.js';
import { PROPERTY_TEST_MS } from '../property.js';
import { clockSteps } from './clock-steps.js';
import { postgresPlace } from './postgres-site.js';
import { onEveryDriver, openStore, quickDirectory } from './sqlite-files.js';
import { sqlitePlace } from './sqlite-site.js';

const TITLE =
  'handles all that was acknowledged once its clocks are right, and keeps what is young but for a few rows, however they are set';

onEveryDriver('clock changes in two processes on one SQLite inbox', (driver) => {
  const directory = quickDirectory();
  const empty = join(directory, 'empty.db');

  beforeAll(async () => (await openStore(empty, driver)).close());
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  it(TITLE, () => clockSteps(() => sqlitePlace(directory, driver, empty), { runs: 25, runsMin: 8 }), PROPERTY_TEST_MS);
});

onPostgres('clock changes in two processes on one Postgres inbox', () => {
  const schemas = new Schemas();
  it(TITLE, () => clockSteps(() => postgresPlace(schemas), { runs: 8, runsMin: 4 }), PROPERTY_TEST_MS);
});
