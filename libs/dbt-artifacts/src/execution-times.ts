import { parseTimestamp } from 'nestjs-runhooks/core';
import { fieldsOf, numberOf, textOf, type Fields } from './fields.js';
import { ARTIFACT_LIMITS } from './limits.js';

/** Start and end of a row's execution, as far as they are known. */
interface ExecutionTimes {
  readonly startedAt: Date | undefined;
  readonly finishedAt: Date | undefined;
}

/**
 * Returns the times of a row: of its execution, else of all phases together. Times that cannot be, such as those of year 1 or an
 * end before the start, are `undefined`.
 */
export function executionTimes(row: Fields): ExecutionTimes {
  const all = Array.isArray(row['timing']) ? row['timing'].map(fieldsOf) : [];
  const executions = all.filter((phase) => phase['name'] === 'execute');
  const phases = executions.length > 0 ? executions : all;
  const startedAt = phases.map((phase) => timeOf(phase['started_at'])).reduce(earliest, undefined);
  const finishedAt = phases.map((phase) => timeOf(phase['completed_at'])).reduce(latest, undefined);
  const isInOrder = !startedAt || !finishedAt || startedAt <= finishedAt;
  return isInOrder ? { startedAt, finishedAt } : { startedAt: undefined, finishedAt: undefined };
}

/** Returns the milliseconds that a row took, or `undefined` if the number cannot be. */
export function executionMs(row: Fields): number | undefined {
  const seconds = numberOf(row['execution_time']);
  if (seconds === undefined || seconds < 0) return undefined;
  // The addition turns -0, which dbt writes at times, into 0.
  const ms = Math.round(seconds * 1_000) + 0;
  return ms <= ARTIFACT_LIMITS.executionMsMax ? ms : undefined;
}

function timeOf(value: unknown): Date | undefined {
  return parseTimestamp(textOf(value));
}

function earliest(first: Date | undefined, second: Date | undefined): Date | undefined {
  return first && second ? (first <= second ? first : second) : (first ?? second);
}

function latest(first: Date | undefined, second: Date | undefined): Date | undefined {
  return first && second ? (first >= second ? first : second) : (first ?? second);
}
