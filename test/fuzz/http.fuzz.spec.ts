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
/** Of both adapters together. */
const REQUESTS = Number(LONG ?? 2_000);
/** Short runs are all the same, long ones differ unless a seed is given back. */
const SEED = Number(process.env['FUZZ_SEED'] ?? (LONG === undefined ? 1 : Date.now() % 2 ** 32));
const EACH = REQUESTS / ADAPTERS.length;
const BATCH = 250;

/** Time of the processor in one piece, the senders' own work included. */
const BLOCK_MS_MAX = 500;
/** From the second quarter to the last one. */
const LIVE_MIB_MAX = 8;
const NATIVE_MIB_MAX = 64;

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'runhooks-fuzz-'));
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe.each(ADAPTERS)('the edge under fire, on %s', (adapter) => {
  it(
    `never answers 5xx, never crashes, stores what was proven and nothing else, and reads all of it: ${EACH} requests`,
    async () => {
      const unhandled = new Unhandled();
      const app = await FuzzApp.start(adapter, join(folder, `${adapter}.db`));
      try {
        const { tally, growth } = await fire(app);
        const { messages } = await app.app.get(Inbox).counts();
        say(`${adapter}: ${JSON.stringify({ seed: SEED, ...tally, inbox: messages, handled: app.handled, growth })}\n`);

        expect(unhandled.errors).toEqual([]);
        expect(tally.longestBlockMs).toBeLessThan(BLOCK_MS_MAX);
        expect(growth.live).toBeLessThan(LIVE_MIB_MAX);
        expect(growth.native).toBeLessThan(NATIVE_MIB_MAX);
        // Otherwise it is the generator that broke.
        const { stored: _, erased: __, ...settled } = messages;
        const { refused, longestBlockMs: ___, ...answers } = tally;
        expect(neverSeen({ ...settled, ...answers, ...refused })).toEqual([]);
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

/** All requests of one adapter, and how much more memory is used in their last quarter than in the second one. */
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
    say(`\r${app.adapter}: ${tally.requests} of ${EACH}`);
  }
  say('\r');
  return { tally, growth: growthOf(samples) };
}

/** Of the least in each quarter: what is more than that was free again. */
function growthOf(samples: readonly MemoryUse[]): MemoryUse {
  const quarter = Math.ceil(samples.length / 4);
  const mib = (of: keyof MemoryUse): number => {
    const least = (some: readonly MemoryUse[]): number => Math.min(...some.map((sample) => sample[of]));
    return Math.round(least(samples.slice(-quarter)) - least(samples.slice(quarter, 2 * quarter)));
  };
  return { live: mib('live'), native: mib('native'), resident: mib('resident') };
}

/** How it goes, for whoever waits for a long run. */
function say(text: string): void {
  if (LONG !== undefined) process.stderr.write(text);
}
