import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, it } from '@jest/globals';
import { dispatchScript, type DispatchScript } from './dispatch-script.js';
import { DispatchSession } from './dispatch-session.js';
import { onPostgres, Schemas } from '../postgres/server.js';
import { checkProperty, checkScript, PROPERTY_TEST_MS, type PropertyBudget } from '../property.js';
import { FOUND_DISPATCH } from './found-dispatch-scripts.js';
import type { InboxSite } from './inbox-site.js';
import { postgresPlace } from './postgres-site.js';
import { onEveryDriver, openStore, quickDirectory } from './sqlite-files.js';
import { sqlitePlace } from './sqlite-site.js';

const RUNS = { runs: 100, runsMin: 30 };
/** On Postgres every call takes a few round trips and a commit. */
const RUNS_ON_POSTGRES = { runs: 60, runsMin: 15 };

/** Transcript lines that the scripts must produce together; without them the test proves nothing. */
const REACHES: readonly RegExp[] = [
  /in this call: kill/,
  /in this call: stop/,
  /run\.failed:.*, attempt 4/,
  /dead-letters: delivery\.dead:/,
  /redrive [1-9]/,
  /in this call: clock on/,
  /in this call: clock back/,
];

/** Adds the tests for one kind of inbox; `newPlace` creates an empty one. */
function keepsGuarantees(newPlace: () => InboxSite | Promise<InboxSite>, budget: PropertyBudget): void {
  const reached = new Set<RegExp>();
  const missing = (): readonly RegExp[] => REACHES.filter((pattern) => !reached.has(pattern));

  async function play(script: DispatchScript, signal: AbortSignal): Promise<void> {
    const session = new DispatchSession(await newPlace(), script.handlers);
    await session.play(script, signal);
    for (const pattern of REACHES) if (pattern.test(session.transcript)) reached.add(pattern);
  }

  it(
    'loses nothing, runs each handler by its own policy, and repeats only attempts in flight',
    async () => {
      await checkProperty(dispatchScript, play, { ...budget, missing });
    },
    PROPERTY_TEST_MS,
  );

  it.each(Object.entries(FOUND_DISPATCH))('%s', (_, found) => checkScript(found, play), PROPERTY_TEST_MS);
}

onEveryDriver('receiver and worker', (driver) => {
  const directory = quickDirectory();
  const empty = join(directory, 'empty.db');

  beforeAll(async () => (await openStore(empty, driver)).close());
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  keepsGuarantees(() => sqlitePlace(directory, driver, empty), RUNS);
});

onPostgres('receiver and worker, on Postgres', () => {
  const schemas = new Schemas();
  keepsGuarantees(() => postgresPlace(schemas), RUNS_ON_POSTGRES);
});
