import { RUN_SIGNAL_TYPES } from '../runs/run-signal.js';
import { isIdText } from '../payloads/id-text.js';
import type { ParseResult } from './provider.js';

/**
 * Returns whether a provider returned a valid result. Third-party providers may lack types, and errors must be detected
 * before the store's transaction.
 */
export function isParseResult(result: unknown): result is ParseResult {
  const { state, reason, messageType, payload, signal } = fieldsOf(result);
  switch (state) {
    case 'parsed':
      return typeof messageType === 'string' && typeof payload === 'object' && isSignal(fieldsOf(signal));
    case 'unrecognized':
      return typeof reason === 'string' && typeof messageType === 'string' && typeof payload === 'object';
    case 'test':
    case 'quarantined':
      return typeof reason === 'string';
    default:
      return false;
  }
}

function isSignal({ types, occurredAt, run, otherJobKeys = [] }: Fields): boolean {
  const { id, account, job, trigger, startedAt, finishedAt } = fieldsOf(run);
  return (
    Array.isArray(types) &&
    types.every((type) => (RUN_SIGNAL_TYPES as readonly unknown[]).includes(type)) &&
    isTime(occurredAt) &&
    [startedAt, finishedAt].every((time) => time === undefined || isTime(time)) &&
    isIdText(id) &&
    isIdText(fieldsOf(account)['id']) &&
    typeof fieldsOf(job)['key'] === 'string' &&
    Array.isArray(otherJobKeys) &&
    otherJobKeys.every((key) => typeof key === 'string') &&
    typeof fieldsOf(trigger)['kind'] === 'string'
  );
}

function isTime(value: unknown): boolean {
  return value instanceof Date && !Number.isNaN(value.getTime());
}

type Fields = Readonly<Record<string, unknown>>;

function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {};
}
