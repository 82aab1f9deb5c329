import { isStoreUnavailableError, type Recorded, type Recording } from 'nestjs-runhooks/core';
import { SQL_LIMITS } from '../limits.js';
import { lockOf } from '../parsing/record-parsed.js';
import type { Transaction } from '../schema/statement.js';
import { atMost } from './at-most.js';

type Record = (recording: Recording) => Transaction<Recorded>;
type Run = <T>(begin: () => Transaction<T>) => Promise<T>;

/** Records the recordings of one job in one transaction, in the given order, and those of different jobs concurrently. */
export async function recordByJob(recordings: readonly Recording[], record: Record, run: Run): Promise<Recorded[]> {
  const groups = new Map<string, number[]>();
  recordings.forEach((recording, index) => {
    const key = lockOf(recording) ?? recording.messageId;
    groups.set(key, [...(groups.get(key) ?? []), index]);
  });
  const recorded: Recorded[] = [];
  const failures: unknown[] = [];
  await atMost(groups.values(), SQL_LIMITS.recordingsMax, async (indices) => {
    try {
      const group = indices.map((index) => recordings[index] as Recording);
      const results = await recordGroup(group, record, run);
      indices.forEach((index, place) => (recorded[index] = results[place] as Recorded));
    } catch (error) {
      failures.push(error);
    }
  });
  if (failures.length > 0) throw failures[0];
  return recorded;
}

/** A recording that is rejected fails alone. After a failure of the store, no later recording may overtake the first one. */
async function recordGroup(group: readonly Recording[], record: Record, run: Run): Promise<Recorded[]> {
  try {
    return await run(function* () {
      const recorded: Recorded[] = [];
      for (const recording of group) recorded.push(yield* record(recording));
      return recorded;
    });
  } catch (error) {
    if (group.length === 1 || isStoreUnavailableError(error)) throw error;
  }
  const recorded: Recorded[] = [];
  const failures: unknown[] = [];
  for (const recording of group) {
    try {
      recorded.push(await run(() => record(recording)));
    } catch (error) {
      if (isStoreUnavailableError(error)) throw error;
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
  return recorded;
}
