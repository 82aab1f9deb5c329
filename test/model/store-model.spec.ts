import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, it } from '@jest/globals';
import { onPostgres, Schemas } from '../postgres/server.js';
import { checkProperty, checkScript, PROPERTY_TEST_MS, type PropertyBudget } from '../property.js';
import { FOUND } from './found-scripts.js';
import type { InboxSite } from './inbox-site.js';
import { postgresPlace } from './postgres-site.js';
import { script, type Script } from './script.js';
import { Session } from './session.js';
import { onEveryDriver, openStore, quickDirectory } from './sqlite-files.js';
import { sqlitePlace } from './sqlite-site.js';

const RUNS = { runs: 150, runsMin: 40 };
/** On Postgres every call takes a few round trips and a commit. */
const RUNS_ON_POSTGRES = { runs: 60, runsMin: 15 };

/** Transcript lines that the scripts must produce together; without them the test proves nothing. */
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
  /settle .* by unknown-lease.*→ refused/,
  /purge.*→ removed [1-9]/,
  /redrive .*→ [1-9]\d* redriven/,
  /replay .*→ [1-9]\d* added/,
  /replay .*for [a-z].*→ 0 added/,
  /dismiss .*→ [1-9]\d* dismissed/,
  /register a new .*→ registered/,
  /record .*others: /,
  /reparse .*→ [1-9]\d* again/,
  /clock back/,
  /crash by a kill while writing/,
  /the other process/,
  /^\| /m,
];

/** Adds the tests for one kind of inbox; `newPlace` creates an empty one. */
function behavesAsTheModel(newPlace: () => InboxSite | Promise<InboxSite>, budget: PropertyBudget): void {
  const reached = new Set<RegExp>();
  const missing = (): readonly RegExp[] => REACHES.filter((pattern) => !reached.has(pattern));

  async function play(lines: Script, signal: AbortSignal): Promise<void> {
    const session = await Session.begin(await newPlace());
    try {
      await session.play(lines, signal);
    } finally {
      await session.end();
    }
    const [lead = ''] = session.transcript.split('and now finish');
    for (const pattern of REACHES) if (pattern.test(lead)) reached.add(pattern);
  }

  it(
    'matches the plain model in two processes, through crashes, clock jumps and lost leases',
    async () => {
      await checkProperty(script, play, { ...budget, missing });
    },
    PROPERTY_TEST_MS,
  );

  it.each(Object.entries(FOUND))('%s', (_, found) => checkScript(found, play), PROPERTY_TEST_MS);
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
