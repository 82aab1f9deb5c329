import { restoreEvent } from '../events/event-data.js';
import type { WebhookEvent } from '../events/event.js';
import { restoreMessage, type VerifiedMessage } from '../sources/message.js';
import { parseMessage } from '../sources/parse-message.js';
import type { OpenSource } from '../sources/source.js';
import type { OnEvents } from '../store/recording.js';

/** Returns a function that passes recorded events to the app, as handlers would receive them. */
export function announcerOf(
  sources: ReadonlyMap<string, OpenSource>,
  onRecorded: (event: WebhookEvent) => void,
): OnEvents {
  return (events, { source, provider }, message) => {
    const from = sources.get(source);
    for (const { id, type, data } of events) {
      const stored = { id, type, provider, source, ...(message && { messageId: message.id }), data };
      const parse = from && ((one: VerifiedMessage) => parseMessage(from, one));
      onRecorded(restoreEvent(stored, message && restoreMessage(message), parse));
    }
  };
}
