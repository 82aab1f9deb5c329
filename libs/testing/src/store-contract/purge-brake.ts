import { equal, ok } from 'node:assert/strict';
import { LIMITS, rowsOf, type ClockJump } from 'nestjs-runhooks/core';
import { at, type StoreHarness } from './store-harness.js';
import type { ContractCase } from './contract-case.js';
import { passTime, register } from './register.js';
import { same } from './same.js';

const MESSAGES = 50;
const BRAKE = { share: 0.1, rowsMin: 3 };
const JUMP = LIMITS.clockJumpMs + 1;
const HOUR = LIMITS.purgeBrakeHourMs;

/** Purges all that was received so far, by a clock that says `nowMs`, until nothing more goes. */
async function purge(harness: StoreHarness, nowMs: number, brake = BRAKE) {
  const old = at(50);
  const ages = { settledBefore: old, deadBefore: old, keysBefore: old, tasksBefore: old };
  let rows = 0;
  let heldBackBy: ClockJump | undefined;
  for (let step = 0; step < 100; step += 1) {
    const purged = await harness.store.purge({ ...ages, limit: 4, brake: { ...brake, now: at(nowMs) } });
    heldBackBy = purged.heldBackBy ?? heldBackBy;
    if (rowsOf(purged) === 0) return { rows, ...(heldBackBy && { heldBackBy }) };
    rows += rowsOf(purged);
  }
  throw new Error('purging came to no end');
}

/** Messages that are settled, each with its key, and a process that tells the time. */
async function fill(harness: StoreHarness, count = MESSAGES): Promise<void> {
  await register(harness, 'one', []);
  for (let index = 0; index < count; index += 1) await harness.append();
  await harness.record(await harness.takeMessages());
}

export const purgeBrakeCases: readonly ContractCase[] = [
  {
    title: 'purge: brakes for nothing while the time goes on, however long',
    run: async (harness) => {
      await fill(harness);
      await passTime(harness, 0, 2 * HOUR);
      same(await purge(harness, 2 * HOUR + LIMITS.clockJumpMs), { rows: 2 * MESSAGES });
    },
  },
  {
    title: 'purge: removes a share of the messages in an hour after the time jumped, and tells of the jump',
    run: async (harness) => {
      await fill(harness);
      const heldBackBy = { at: at(JUMP), ms: JUMP };
      same(await purge(harness, JUMP), { rows: 5, heldBackBy });
      same(await purge(harness, JUMP + 1), { rows: 0, heldBackBy });
      equal((await harness.store.counts()).messages.parsed, MESSAGES - 4);
      await passTime(harness, JUMP + 1, JUMP + HOUR);
      same(await purge(harness, JUMP + HOUR), { rows: 4, heldBackBy });
    },
  },
  {
    title: 'purge: a few rows go however few messages there are, and with nothing more to remove nothing is held back',
    run: async (harness) => {
      await fill(harness, 4);
      const { rows, heldBackBy } = await purge(harness, JUMP);
      same([rows, heldBackBy !== undefined], [3, true]);
      same(await purge(harness, JUMP + 1, { ...BRAKE, rowsMin: 100 }), { rows: 0, heldBackBy });
      await passTime(harness, JUMP + 1, JUMP + HOUR);
      same(await purge(harness, JUMP + HOUR, { ...BRAKE, rowsMin: 100 }), { rows: 5 });
    },
  },
  {
    title: 'purge: brakes, too, when a process that registered saw the jump, and when the time jumped back',
    run: async (harness) => {
      await fill(harness);
      await register(harness, 'another', [], { at: JUMP });
      await register(harness, 'one', [], { at: JUMP + LIMITS.clockJumpMs });
      equal((await purge(harness, JUMP + LIMITS.clockJumpMs)).rows, 5);
      await register(harness, 'one', [], { at: -JUMP });
      const { rows, heldBackBy } = await purge(harness, -JUMP);
      same([rows, heldBackBy?.ms], [0, -JUMP - JUMP - LIMITS.clockJumpMs]);
    },
  },
  {
    title: 'purge: more jumps free no more',
    run: async (harness) => {
      await fill(harness);
      let removed = 0;
      for (let jump = 1; jump <= 20; jump += 1) removed += (await purge(harness, jump * 10 * JUMP)).rows;
      equal(removed, 5);
    },
  },
  {
    title: 'purge: brakes for a day, and then removes the rest',
    run: async (harness) => {
      await fill(harness);
      await purge(harness, JUMP);
      await passTime(harness, JUMP, JUMP + LIMITS.purgeBrakeMs);
      const { rows, heldBackBy } = await purge(harness, JUMP + LIMITS.purgeBrakeMs);
      ok(rows > MESSAGES);
      equal(heldBackBy, undefined);
      equal((await harness.store.counts()).messages.parsed, 0);
    },
  },
];
