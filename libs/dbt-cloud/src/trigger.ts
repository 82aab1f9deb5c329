import { markIn, type RunTrigger } from 'nestjs-runhooks/core';

/**
 * Beginnings of `runReason`; a person's name or address can follow (dbt docs, "Webhooks", sample payloads). The reason of
 * a run started by the API is free text of the caller, so most of these are `unknown`. That of an action begins with its mark.
 */
const KIND_OF_BEGINNING: readonly (readonly [RegExp, RunTrigger['kind']])[] = [
  [/^kicked off (?:from|in|via) (?:the )?ui\b/i, 'manual'],
  [/^(?:kicked off|triggered) by (?:the )?scheduler\b/i, 'schedule'],
  [/^(?:job[_ ])?scheduled$/i, 'schedule'],
  [/^(?:kicked off|triggered) (?:by|from|via|through) (?:the |an )?api\b/i, 'api'],
  [/^(?:kicked off|triggered) (?:by|from|for|via) (?:a |the )?(?:\w+ )?(?:ci|pr|pull request|merge request)\b/i, 'ci'],
];

/** Returns the trigger that a reason describes. */
export function triggerOf(reason: string | undefined): RunTrigger {
  if (reason === undefined) return { kind: 'unknown' };
  if (markIn(reason) !== undefined) return { kind: 'api', reason };
  const [, kind = 'unknown'] = KIND_OF_BEGINNING.find(([beginning]) => beginning.test(reason.trim())) ?? [];
  return { kind, reason };
}
