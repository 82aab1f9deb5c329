import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { dispatchScript, type DispatchScript } from './dispatch-script.js';
import { DispatchSession } from './dispatch-session.js';
import { onPostgres, Schemas } from '../postgres/server.js';
import { FOUND_DISPATCH } from './found-dispatch-scripts.js';
import type { Place } from './place.js';
import { postgresPlace } from './postgres-place.js';
import { onEveryDriver, openStore, quickDirectory } from './sqlite-files.js';
import { sqlitePlace } from './sqlite-place.js';

/** More by `MODEL_RUNS=10000 npm test -- test/model`, others by `FC_SEED=…`. */
const RUNS = Number(process.env['MODEL_RUNS'] ?? 100);
/** On Postgres every word is a few round trips and a commit. */
const RUNS_ON_POSTGRES = Number(process.env['MODEL_RUNS'] ?? 60);

/** What the scripts must have come to, all taken together: else they prove nothing. */
const REACHES: readonly RegExp[] = [
  /in this call: kill/,
  /in this call: stop/,
  /run\.failed:.*, attempt 4/,
  /told: delivery\.dead:/,
  /redrive [1-9]/,
  /in this call: clock on/,
  /in this call: clock back/,
];

/** The tests of a kind of inbox; `newPlace` makes an empty one. */
function keepsItsPromises(newPlace: () => Place | Promise<Place>, runs: number): void {
  const reached = new Set<RegExp>();

  async function play(script: DispatchScript): Promise<void> {
    const session = new DispatchSession(await newPlace(), script.handlers);
    await session.play(script);
    for (const pattern of REACHES) if (pattern.test(session.transcript)) reached.add(pattern);
  }

  it(
    'lose nothing, run each handler on its own as its policy says, and repeat only what was in flight',
    async () => {
      await fc.assert(fc.asyncProperty(dispatchScript, play), { numRuns: runs });
      expect(REACHES.filter((pattern) => !reached.has(pattern))).toEqual([]);
    },
    10_000 + runs * 3_000,
  );

  it.each(Object.entries(FOUND_DISPATCH))('%s', (_, found) => play(found));
}

onEveryDriver('receiver and dispatcher', (driver) => {
  const directory = quickDirectory();
  const empty = join(directory, 'empty.db');

  beforeAll(async () => (await openStore(empty, driver)).close());
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  keepsItsPromises(() => sqlitePlace(directory, driver, empty), RUNS);
});

onPostgres('receiver and dispatcher, on Postgres', () => {
  const schemas = new Schemas();
  keepsItsPromises(() => postgresPlace(schemas), RUNS_ON_POSTGRES);
});
