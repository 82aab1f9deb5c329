import { equal, ok } from 'node:assert/strict';
import { rowsOf, type ClockJump } from 'nestjs-runhooks/core';
import { PORT_LIMITS } from '../../limits.js';
import { at, type StoreHarness } from '../store-harness.js';
import type { ContractCase } from '../contract-case.js';
import { passTime, register } from './register.js';
import { same } from '../same.js';

const MESSAGES = 50;
const BRAKE = { share: 0.1, rowsMin: 3 };
const JUMP = PORT_LIMITS.clockJumpMs + 1;
const HOUR = PORT_LIMITS.purgeBrakeHourMs;

/** Purges all old messages at `nowMs` until a step deletes nothing. */
async function purge(harness: StoreHarness, nowMs: number, brake = BRAKE) {
  const old = at(50);
  const ages = {
    finishedBefore: old,
    deadBefore: old,
    deduplicationBefore: old,
    goodBefore: old,
    nodesBefore: old,
    tasksBefore: old,
  };
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

/** Adds settled messages with keys, and a process whose heartbeats note the time. */
async function fill(harness: StoreHarness, count = MESSAGES): Promise<void> {
  await register(harness, 'one', []);
  for (let index = 0; index < count; index += 1) await harness.append();
  await harness.record(await harness.takeMessages());
}

export const purgeBrakeCases: readonly ContractCase[] = [
  {
    title: 'purge: does not brake while time passes normally, however long',
    run: async (harness) => {
      await fill(harness);
      await passTime(harness, 0, 2 * HOUR);
      same(await purge(harness, 2 * HOUR + PORT_LIMITS.clockJumpMs), { rows: 2 * MESSAGES });
    },
  },
  {
    title: 'purge: deletes only a share of the messages in the hour after a jump of time, and returns the jump',
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
    title: 'purge: deletes a few rows even if there are few messages, and holds nothing back if nothing is left',
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
    title: 'purge: brakes if a registering process has seen the jump, and if time jumped back',
    run: async (harness) => {
      await fill(harness);
      await register(harness, 'another', [], { at: JUMP });
      await register(harness, 'one', [], { at: JUMP + PORT_LIMITS.clockJumpMs });
      equal((await purge(harness, JUMP + PORT_LIMITS.clockJumpMs)).rows, 5);
      await register(harness, 'one', [], { at: -JUMP });
      const { rows, heldBackBy } = await purge(harness, -JUMP);
      same([rows, heldBackBy?.ms], [0, -JUMP - JUMP - PORT_LIMITS.clockJumpMs]);
    },
  },
  {
    title: 'purge: deletes no more after several jumps than after one',
    run: async (harness) => {
      await fill(harness);
      let removed = 0;
      for (let jump = 1; jump <= 20; jump += 1) removed += (await purge(harness, jump * 10 * JUMP)).rows;
      equal(removed, 5);
    },
  },
  {
    title: 'purge: brakes for a day and then deletes the rest',
    run: async (harness) => {
      await fill(harness);
      await purge(harness, JUMP);
      await passTime(harness, JUMP, JUMP + PORT_LIMITS.purgeBrakeMs);
      const { rows, heldBackBy } = await purge(harness, JUMP + PORT_LIMITS.purgeBrakeMs);
      ok(rows > MESSAGES);
      equal(heldBackBy, undefined);
      equal((await harness.store.counts()).messages.parsed, 0);
    },
  },
];
