import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { onPostgres, Schemas } from '../postgres/server.js';
import { FOUND } from './found-scripts.js';
import type { Place } from './place.js';
import { postgresPlace } from './postgres-place.js';
import { script, type Script } from './script.js';
import { Session } from './session.js';
import { onEveryDriver, openStore, quickDirectory } from './sqlite-files.js';
import { sqlitePlace } from './sqlite-place.js';

/** More by `MODEL_RUNS=10000 npm test -- test/model`, others by `FC_SEED=…`. */
const RUNS = Number(process.env['MODEL_RUNS'] ?? 150);
/** On Postgres every word is a few round trips and a commit. */
const RUNS_ON_POSTGRES = Number(process.env['MODEL_RUNS'] ?? 60);

/** What the scripts must have come to, all taken together: else they prove nothing. */
const REACHES: readonly RegExp[] = [
  /append .*→ duplicate of m/,
  /record .*→ .*id reused/,
  /record .*→ .*contradicts/,
  /record .*→ threw the poison/,
  /record .*→ 0 of \d recorded/,
  /renew .*→ held d/,
  /renew .*→ none held/,
  /settle .* by L.*→ written/,
  /settle .* by L.*→ refused/,
  /settle .* by nobody.*→ refused/,
  /purge.*→ removed [1-9]/,
  /redrive .*→ [1-9]\d* redriven/,
  /replay .*→ [1-9]\d* added/,
  /replay .*for [a-z].*→ 0 added/,
  /dismiss .*→ [1-9]\d* dismissed/,
  /register a new .*→ registered/,
  /record .*others: /,
  /reread .*→ [1-9]\d* again/,
  /clock back/,
  /crash by a kill while writing/,
  /the other process/,
  /^\| /m,
];

/** The tests of a kind of inbox; `newPlace` makes an empty one. */
function behavesAsTheModel(newPlace: () => Place | Promise<Place>, runs: number): void {
  const reached = new Set<RegExp>();

  async function play(lines: Script): Promise<void> {
    const session = await Session.begin(await newPlace());
    try {
      await session.play(lines);
    } finally {
      await session.end();
    }
    const [lead = ''] = session.transcript.split('and now finish');
    for (const pattern of REACHES) if (pattern.test(lead)) reached.add(pattern);
  }

  it(
    'does what the plain model says, in two processes, through crashes, clock jumps and lost leases',
    async () => {
      await fc.assert(fc.asyncProperty(script, play), { numRuns: runs });
      expect(REACHES.filter((pattern) => !reached.has(pattern))).toEqual([]);
    },
    10_000 + runs * 2_000,
  );

  it.each(Object.entries(FOUND))('%s', (_, found) => play(found));
}

onEveryDriver('an SQLite inbox', (driver) => {
  const directory = quickDirectory();
  const empty = join(directory, 'empty.db');

  beforeAll(async () => (await openStore(empty, driver)).close());
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  behavesAsTheModel(() => sqlitePlace(directory, driver, empty), RUNS);
});

onPostgres('a Postgres inbox', () => {
  const schemas = new Schemas();
  behavesAsTheModel(() => postgresPlace(schemas), RUNS_ON_POSTGRES);
});
