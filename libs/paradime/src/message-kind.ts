import { isBlank } from './blank.js';
import type { ParadimePayload } from './payload.js';
import { isFinal, statusOf } from './status.js';

/** Kind of a message: about the start of a run, about its end, or unclear. */
export type MessageKind =
  { readonly kind: 'started' | 'completed' } | { readonly kind: 'unclear'; readonly reason: string };

/** Fields that a started run does not have. */
const END_FIELDS = ['commands', 'end_dttm', 'error_string'] as const;

/**
 * Returns the kind of a message, which its body does not name. The documented started run has no `commands`, no
 * `end_dttm` and no `error_string`, whatever its `status` is: the documented one is `failed`.
 * (Paradime docs "Webhooks", https://docs.paradime.io/app-help/developers/webhooks/getting-started)
 *
 * No capture of an end is public, so this is inferred: a run with a final status is over if it never started, or if its
 * message has one of these three fields, even a blank one.
 *
 * Only the presence of a field in `sent`, the body, counts: an invalid field is absent from the payload.
 */
export function messageKindOf({ status }: ParadimePayload, sent: Readonly<Record<string, unknown>>): MessageKind {
  if (isFilled(sent['end_dttm'])) {
    const meaning = statusOf(status);
    if (meaning !== 'pending' && meaning !== 'running') return { kind: 'completed' };
    return unclear(`an end_dttm, and a status that means ${meaning}`);
  }
  const wasStarted = isFilled(sent['start_dttm']) && !END_FIELDS.some((field) => Object.hasOwn(sent, field));
  if (isFinal(status) && !wasStarted) return { kind: 'completed' };
  const signs = [
    ...(isFilled(sent['commands']) ? ['commands'] : []),
    ...(isFilled(sent['error_string']) ? ['an error_string'] : []),
  ];
  return signs.length === 0 ? { kind: 'started' } : unclear(`${signs.join(' and ')}, but no end_dttm`);
}

function isFilled(value: unknown): boolean {
  return !isBlank(value) && !(Array.isArray(value) && value.length === 0);
}

function unclear(found: string): MessageKind {
  return {
    kind: 'unclear',
    reason:
      'the run: expected a final status and an end_dttm (completed), or none of commands, end_dttm and error_string ' +
      `(started), got ${found}`,
  };
}
