import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Inbox } from 'nestjs-runhooks';
import { ADAPTERS } from '../e2e/http-app.js';
import { Campaign, type Tally } from './campaign.js';
import { FuzzApp } from './fuzz-app.js';
import { memoryUse, type MemoryUse } from './memory-use.js';
import { Unhandled } from './unhandled.js';

const LONG = process.env['FUZZ_REQUESTS'];
/** Number of requests for both adapters together. */
const REQUESTS = Number(LONG ?? 2_000);
/** Short runs use a fixed seed; long runs use a new seed unless one is set. */
const SEED = Number(process.env['FUZZ_SEED'] ?? (LONG === undefined ? 1 : Date.now() % 2 ** 32));
const EACH = REQUESTS / ADAPTERS.length;
const BATCH = 250;

/** Maximum CPU time in one piece, including the work of the senders. */
const BLOCK_MS_MAX = 500;
/** Maximum growth from the second quarter to the last one. */
const LIVE_MIB_MAX = 8;
const NATIVE_MIB_MAX = 64;

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'runhooks-fuzz-'));
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe.each(ADAPTERS)('HTTP fuzzing on %s', (adapter) => {
  it(
    `returns no unexpected 5xx, never crashes, stores only proven messages and parses all of them: ${EACH} requests`,
    async () => {
      const unhandled = new Unhandled();
      const app = await FuzzApp.start(adapter, join(folder, `${adapter}.db`));
      try {
        const { tally, growth } = await fire(app);
        const { messages } = await app.app.get(Inbox).counts();
        print(
          `${adapter}: ${JSON.stringify({ seed: SEED, ...tally, inbox: messages, handled: app.handled, growth })}\n`,
        );

        expect(unhandled.errors).toEqual([]);
        expect(tally.longestBlockMs).toBeLessThan(BLOCK_MS_MAX);
        expect(growth.live).toBeLessThan(LIVE_MIB_MAX);
        expect(growth.native).toBeLessThan(NATIVE_MIB_MAX);
        // Without these results the generator is broken.
        const { stored: _, erased: __, ...settled } = messages;
        const { refused, longestBlockMs: ___, ...responses } = tally;
        expect(neverSeen({ ...settled, ...responses, ...refused })).toEqual([]);
        expect(Object.keys(refused)).toEqual(['400', '401', '413', '415']);
      } finally {
        unhandled.stop();
        await app.app.close();
      }
    },
    LONG === undefined ? 600_000 : 3_600_000,
  );
});

function neverSeen(counts: Readonly<Record<string, number>>): string[] {
  return Object.keys(counts).filter((what) => counts[what] === 0);
}

/** Sends all requests of one adapter, and returns how much more memory the last quarter uses than the second one. */
async function fire(app: FuzzApp): Promise<{ tally: Tally; growth: MemoryUse }> {
  const campaign = new Campaign(app, SEED);
  const { tally } = campaign;
  const samples: MemoryUse[] = [];
  while (tally.requests < EACH) {
    const before = tally.requests;
    try {
      await campaign.run(Math.min(BATCH, EACH - before));
    } catch (cause) {
      const again = `FUZZ_SEED=${SEED} FUZZ_REQUESTS=${REQUESTS}, ${app.adapter}, after ${before} requests`;
      throw new Error(`${again}: ${(cause as Error).message}`, { cause });
    }
    samples.push(memoryUse());
    print(`\r${app.adapter}: ${tally.requests} of ${EACH}`);
  }
  print('\r');
  return { tally, growth: growthOf(samples) };
}

/** Compares the lowest use of each quarter, because memory above it was freed again. */
function growthOf(samples: readonly MemoryUse[]): MemoryUse {
  const quarter = Math.ceil(samples.length / 4);
  const mib = (of: keyof MemoryUse): number => {
    const least = (some: readonly MemoryUse[]): number => Math.min(...some.map((sample) => sample[of]));
    return Math.round(least(samples.slice(-quarter)) - least(samples.slice(quarter, 2 * quarter)));
  };
  return { live: mib('live'), native: mib('native'), resident: mib('resident') };
}

/** Prints the progress of a long run. */
function print(text: string): void {
  if (LONG !== undefined) process.stderr.write(text);
}
