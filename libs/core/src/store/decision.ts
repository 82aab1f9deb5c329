import { randomUUID } from 'node:crypto';
import { ConfigurationError } from '../errors.js';
import { kindOf } from '../kind-of.js';
import { LIMITS } from '../limits.js';

/** Operator who makes a decision, and the reason for it. Both are kept in the audit. */
export interface DecidedBy {
  /** Name of a person, or of a program that acts for one. Runhooks does not verify it. 1 to 200 characters. */
  readonly by: string;
  /** Reason for the decision. 1 to 1,000 characters. */
  readonly reason?: string;
}

/** Kind of a decision. */
export type DecidedAction = 'redrive' | 'dismiss' | 'replay' | 'reparse' | 'erase' | 'sweep' | 'close' | 'decide';

/** Decision as a store records it, in the same transaction as its effect. */
export interface Decision extends DecidedBy {
  /** Id of one call. If the call takes several steps, they share one decision, whose `affected` adds up. */
  readonly id: string;
  /** Request of the operator, as JSON text of limited length. */
  readonly details: string;
}

type Given = { readonly [Name in keyof DecidedBy]: DecidedBy[Name] | undefined };

/** Returns the decision for a request. Throws {@link ConfigurationError} if `by` or `reason` is invalid. */
export function decisionOf(verb: DecidedAction, { by, reason }: Given, request: object): Decision {
  requireText(`${verb}.by`, by, LIMITS.decidedByCharsMax);
  if (reason !== undefined) requireText(`${verb}.reason`, reason, LIMITS.decidedReasonCharsMax);
  const details = JSON.stringify(request, shortened);
  return { id: `dec_${randomUUID()}`, by, details, ...(reason !== undefined && { reason }) };
}

/** Like {@link decisionOf}, but also throws if `reason` is missing. */
export function reasonedDecisionOf(verb: DecidedAction, decided: Given, request: object): Required<Decision> {
  const { reason } = decided;
  requireText(`${verb}.reason`, reason, LIMITS.decidedReasonCharsMax);
  return { ...decisionOf(verb, decided, request), reason };
}

/** Throws {@link ConfigurationError} unless `value` is a string of 1 to `charsMax` characters. */
export function requireText(option: string, value: unknown, charsMax: number): asserts value is string {
  const isTooLong = typeof value === 'string' && value.length > charsMax;
  if (typeof value === 'string' && value !== '' && !isTooLong) return;
  const got = isTooLong ? `${value.length} characters` : kindOf(value);
  throw new ConfigurationError(option, `expected a string of 1 to ${charsMax} characters, got ${got}`);
}

/** Keeps audit rows small: shortens strings, and replaces the end of a long array by the number of omitted items. */
function shortened(_name: string, value: unknown): unknown {
  if (typeof value === 'string') return value.slice(0, LIMITS.decidedTextCharsMax);
  const max = LIMITS.decidedIdsMax;
  if (!Array.isArray(value) || value.length <= max) return value;
  return [...(value as unknown[]).slice(0, max), `and ${value.length - max} more`];
}
