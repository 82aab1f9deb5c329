import type { RunTrigger } from 'nestjs-runhooks/core';

/**
 * Only how a reason begins is looked at: what follows is a person's name or address. A run started by the API has the
 * caller's own words as its reason, so few of those can be told (facts: dbt docs, "Webhooks", sample payloads).
 */
const KIND_OF_BEGINNING: readonly (readonly [RegExp, RunTrigger['kind']])[] = [
  [/^kicked off (?:from|in|via) (?:the )?ui\b/i, 'manual'],
  [/^(?:kicked off|triggered) by (?:the )?scheduler\b/i, 'schedule'],
  [/^(?:job[_ ])?scheduled$/i, 'schedule'],
  [/^(?:kicked off|triggered) (?:by|from|via|through) (?:the |an )?api\b/i, 'api'],
  [/^(?:kicked off|triggered) (?:by|from|for|via) (?:a |the )?(?:\w+ )?(?:ci|pr|pull request|merge request)\b/i, 'ci'],
];

export function triggerOf(reason: string | undefined): RunTrigger {
  if (reason === undefined) return { kind: 'unknown' };
  const [, kind = 'unknown'] = KIND_OF_BEGINNING.find(([beginning]) => beginning.test(reason.trim())) ?? [];
  return { kind, reason };
}
