import { randomUUID } from 'node:crypto';
import { ConfigurationError } from '../errors.js';
import { LIMITS } from '../limits.js';

/** Who decided something about what is in the inbox, and why. */
export interface DecidedBy {
  /** A person, or a program that acts for one. */
  readonly by: string;
  readonly reason?: string;
}

export type DecidedAction = 'redrive' | 'dismiss' | 'replay' | 'reparse' | 'erase';

/** A decision as a store records it, in the transaction of what was decided. */
export interface Decision extends DecidedBy {
  /** Of one call. Where that takes several steps they are recorded as one decision, whose `affected` adds up. */
  readonly id: string;
  /** What was asked for, as JSON text; bounded. */
  readonly details: string;
}

type Given = { readonly [Name in keyof DecidedBy]: DecidedBy[Name] | undefined };

/** Checks who decided, and notes what was asked for. Throws {@link ConfigurationError} naming the option of `verb`. */
export function decisionOf(verb: DecidedAction, { by, reason }: Given, asked: object): Decision {
  requireText(`${verb}.by`, by, LIMITS.decidedByCharsMax);
  if (reason !== undefined) requireText(`${verb}.reason`, reason, LIMITS.decidedReasonCharsMax);
  const details = JSON.stringify(asked, shortened);
  return { id: `dec_${randomUUID()}`, by, details, ...(reason !== undefined && { reason }) };
}

/** The same where a reason must be given. */
export function reasonedDecisionOf(verb: DecidedAction, decided: Given, asked: object): Required<Decision> {
  const { reason } = decided;
  requireText(`${verb}.reason`, reason, LIMITS.decidedReasonCharsMax);
  return { ...decisionOf(verb, decided, asked), reason };
}

/** Throws {@link ConfigurationError} for what is not a text of 1 to `charsMax` characters. */
export function requireText(option: string, value: unknown, charsMax: number): asserts value is string {
  if (typeof value === 'string' && value !== '' && value.length <= charsMax) return;
  throw new ConfigurationError(option, `expected 1 to ${charsMax} characters`);
}

/** Of a long list its beginning and how many there are, so that a row stays small. */
function shortened(_name: string, value: unknown): unknown {
  if (typeof value === 'string') return value.slice(0, LIMITS.decidedTextCharsMax);
  const max = LIMITS.decidedIdsMax;
  if (!Array.isArray(value) || value.length <= max) return value;
  return [...(value as unknown[]).slice(0, max), `and ${value.length - max} more`];
}
