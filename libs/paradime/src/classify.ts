import { isNothing } from './nothing.js';
import type { ParadimePayload } from './payload.js';
import { isFinal, statusOf } from './status.js';

/** What a message tells about: a run that began, one that is over, or something between that we do not guess at. */
export type MessageKind =
  { readonly kind: 'started' | 'completed' } | { readonly kind: 'unclear'; readonly reason: string };

/** What a started run does not have. */
const OF_THE_END = ['commands', 'end_dttm', 'error_string'] as const;

/**
 * Bodies name no message type, so their kind has to: the documented started run has no `commands`, no `end_dttm` and
 * no `error_string`, whatever its `status` says (the documented one says `failed`).
 * (Paradime docs "Webhooks", https://docs.paradime.io/app-help/developers/webhooks/getting-started)
 *
 * Inferred, since no capture is public: a run with a final status that never started, or whose message has one of
 * those three fields, even if they say nothing, is over.
 *
 * What counts is whether `sent`, the body, says something in a field, not whether that fits: it may be missing from the payload.
 */
export function classify({ status }: ParadimePayload, sent: Readonly<Record<string, unknown>>): MessageKind {
  if (says(sent['end_dttm'])) {
    const meaning = statusOf(status);
    if (meaning !== 'pending' && meaning !== 'running') return { kind: 'completed' };
    return unclear(`has an end_dttm, so it is over, and a status that means it is ${meaning}`);
  }
  const wasStarted = says(sent['start_dttm']) && !OF_THE_END.some((field) => Object.hasOwn(sent, field));
  if (isFinal(status) && !wasStarted) return { kind: 'completed' };
  const signs = [
    ...(says(sent['commands']) ? ['commands'] : []),
    ...(says(sent['error_string']) ? ['an error_string'] : []),
  ];
  return signs.length === 0 ? { kind: 'started' } : unclear(`has ${signs.join(' and ')}, but no end_dttm`);
}

function says(value: unknown): boolean {
  return !isNothing(value) && !(Array.isArray(value) && value.length === 0);
}

function unclear(found: string): MessageKind {
  return {
    kind: 'unclear',
    reason:
      `The run ${found}; expected a final status and an end_dttm (completed), or none of commands, end_dttm and ` +
      'error_string (started).',
  };
}
