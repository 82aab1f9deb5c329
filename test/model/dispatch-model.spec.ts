import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { dispatchScript, type DispatchScript } from './dispatch-script.js';
import { DispatchSession } from './dispatch-session.js';
import { FOUND_DISPATCH } from './found-dispatch-scripts.js';
import { copyAsKilled, onEveryDriver, openStore, quickDirectory } from './sqlite-files.js';

/** More by `MODEL_RUNS=10000 npm test -- test/model`, others by `FC_SEED=…`. */
const RUNS = Number(process.env['MODEL_RUNS'] ?? 100);

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

onEveryDriver('receiver and dispatcher', (driver) => {
  const directory = quickDirectory();
  const empty = join(directory, 'empty.db');
  const reached = new Set<RegExp>();

  beforeAll(async () => (await openStore(empty, driver)).close());
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  async function play(script: DispatchScript): Promise<void> {
    const own = mkdtempSync(join(directory, 'run-'));
    copyAsKilled(empty, join(own, '0.db'));
    const session = new DispatchSession(own, driver, script.handlers);
    try {
      await session.play(script);
    } finally {
      rmSync(own, { recursive: true, force: true });
    }
    for (const pattern of REACHES) if (pattern.test(session.transcript)) reached.add(pattern);
  }

  it(
    'lose nothing, run each handler on its own as its policy says, and repeat only what was in flight',
    async () => {
      await fc.assert(fc.asyncProperty(dispatchScript, play), { numRuns: RUNS });
      expect(REACHES.filter((pattern) => !reached.has(pattern))).toEqual([]);
    },
    10_000 + RUNS * 500,
  );

  it.each(Object.entries(FOUND_DISPATCH))('%s', (_, found) => play(found));
});
