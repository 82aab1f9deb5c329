import type { ResultStore } from 'nestjs-runhooks/core';
import { timers } from 'nestjs-runhooks/internal';
import { SQL_LIMITS } from '../limits.js';
import type { saveResults, SavingStep } from './save-results.js';

/** Runs a step of saving in a transaction. */
type Save = (
  ...args: Parameters<ReturnType<typeof saveResults>>
) => Promise<Awaited<ReturnType<ResultStore['save']>> | 'begun'>;

/**
 * Returns the verb that saves results. Failed and warned nodes can have 10 MB, which one transaction would write in one piece: on
 * SQLite, no other work of the process could run. So they are written in steps. The last one makes the results visible, and
 * a call after an interruption begins again.
 */
export function saveInSteps(save: Save): ResultStore['save'] {
  return async (held, results, now) => {
    const { content } = results;
    const failing = content.state === 'available' ? content.failing : [];
    const { resultNodesPerPart: size, resultPartsPerStep: count } = SQL_LIMITS;
    for (let firstPart = 0; ; firstPart += count) {
      const parts: string[] = [];
      const isLast = (firstPart + count) * size >= failing.length;
      for (let part = firstPart; part < firstPart + count && part * size < failing.length; part += 1) {
        parts.push(JSON.stringify(failing.slice(part * size, (part + 1) * size)));
        await timers.turn();
      }
      const step: SavingStep = { firstPart, parts, isLast };
      const saved = await save(held, results, step, now);
      if (saved !== 'begun') return saved;
    }
  };
}
