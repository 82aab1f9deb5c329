import { Buffer } from 'node:buffer';
import { defined, nodeNameOf, type NodeKind, type NodeOutcome, type NodeResult } from 'nestjs-runhooks/core';
import { executionMs, executionTimes } from './execution-times.js';
import { cutText, isFields, numberOf, textOf, wordOf, type Fields } from './fields.js';
import { ARTIFACT_LIMITS } from './limits.js';
import { outcomeOf } from './node-outcome.js';
import { freshnessText } from './source-freshness.js';

const unusableCharacter = /[\p{Cc}\p{Cs}]/u;
const digits = /^\d{1,15}$/;

/**
 * Returns the result of a row of `results`, or `undefined` if the row has no usable `unique_id` or no status. The status alone
 * decides what the node came to: `failures` is 0 for a model that failed in part, and a string in files of some tools.
 */
export function readResultRow(row: unknown): NodeResult | undefined {
  if (!isFields(row)) return undefined;
  const uniqueId = uniqueIdOf(row['unique_id']);
  const status = wordOf(row['status'], ARTIFACT_LIMITS.wordCharsMax)?.toLowerCase();
  if (uniqueId === undefined || status === undefined) return undefined;
  const { kind, name, package: packageName } = nodeNameOf(uniqueId);
  const outcome = outcomeOf(status);
  // One literal with one spread: copying from several objects takes ten times as long, which counts for 50,000 rows.
  return {
    uniqueId,
    kind,
    name,
    outcome,
    status,
    ...defined({
      package: packageName,
      message: messageOf(row, kind, outcome),
      failures: failuresOf(row, kind),
      relation: wordOf(row['relation_name'], ARTIFACT_LIMITS.relationCharsMax),
      executionMs: executionMs(row),
      ...executionTimes(row),
    }),
  };
}

/**
 * An id that is long, or has control characters or lone surrogates, is not one of dbt, and stores might not accept it as a key.
 */
function uniqueIdOf(value: unknown): string | undefined {
  const id = textOf(value);
  if (id === undefined || Buffer.byteLength(id) > ARTIFACT_LIMITS.idBytesMax || unusableCharacter.test(id))
    return undefined;
  return id;
}

/** Returns the text of a row that is not good. With fail-fast, the text of an error can stand in a skipped row. */
function messageOf(row: Fields, kind: NodeKind, outcome: NodeOutcome): string | undefined {
  if (outcome === 'succeeded' || outcome === 'unknown') return undefined;
  // The first versions of run_results wrote the number of failures as the message of a test.
  const text = textOf(row['message']) ?? textOf(row['error']) ?? numberOf(row['message'])?.toString();
  if (text !== undefined) return cutText(text, ARTIFACT_LIMITS.messageCharsMax);
  return kind === 'source' && outcome !== 'skipped' ? freshnessText(row, outcome === 'failed') : undefined;
}

/** Returns the number of rows that a test found. Models and hooks have numbers there that mean something else. */
function failuresOf(row: Fields, kind: NodeKind): number | undefined {
  if (kind !== 'test' && kind !== 'unit_test') return undefined;
  const { failures } = row;
  if (typeof failures === 'string' && digits.test(failures)) return Number(failures);
  const count = numberOf(failures);
  return count !== undefined && Number.isSafeInteger(count) && count >= 0 ? count : undefined;
}
