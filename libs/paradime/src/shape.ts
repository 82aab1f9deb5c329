import { told } from './nothing.js';
import type { ParadimePayload } from './payload.js';
import { statusOf } from './status.js';

/** What a message tells about: a run that began, one that is over, or something between that we do not guess at. */
export type Shape = { readonly kind: 'started' | 'completed' } | { readonly kind: 'unclear'; readonly reason: string };

/**
 * Bodies name no message type, so their shape has to: the documented started run has no `commands`, no `end_dttm` and
 * no `error_string`, whatever its `status` says (the documented one says `failed`).
 * (Paradime docs "Webhooks", https://docs.paradime.io/app-help/developers/webhooks/getting-started)
 */
export function shapeOf({ commands, end_dttm, error_string, status }: ParadimePayload): Shape {
  if (told(end_dttm) !== undefined) {
    const meaning = statusOf(status);
    if (meaning !== 'pending' && meaning !== 'running') return { kind: 'completed' };
    return unclear(`has an end_dttm, so it is over, and a status that means it is ${meaning}`);
  }
  const signs = [
    ...(commands?.length ? ['commands'] : []),
    ...(told(error_string) === undefined ? [] : ['an error_string']),
  ];
  return signs.length === 0 ? { kind: 'started' } : unclear(`has ${signs.join(' and ')}, but no end_dttm`);
}

function unclear(found: string): Shape {
  return {
    kind: 'unclear',
    reason:
      `The run ${found}; expected an end_dttm with a final status (completed), or none of commands, end_dttm and ` +
      'error_string (started).',
  };
}
