import { ConfigurationError } from '../errors.js';
import { eventFacts } from '../events/event-data.js';
import { routableOf, type Router } from '../handlers/router.js';
import { LIMITS } from '../limits.js';
import { decisionOf, requireText } from '../store/decision.js';
import type { Store } from '../store/store.js';
import { inRecordedOrder } from './recorded-order.js';
import { requireRequestOptions, type Replay } from './requests.js';

/** Delivers stored events again, oldest first. Returns how many deliveries were added. */
export async function replayEvents(store: Store, router: Router, now: () => Date, replay: Replay): Promise<number> {
  const { id, events, handlerIds, by, reason } = replay;
  requireRequestOptions('replay.events', events);
  requireText('replay.id', id, LIMITS.replayIdCharsMax);
  const decision = decisionOf('replay', { by, reason }, { id, events, handlerIds });
  const missing = handlerIds?.find((handlerId) => !router.knows(handlerId));
  if (missing !== undefined) {
    throw new ConfigurationError(
      'replay.handlerIds',
      `expected ids of handlers of this process, got ${JSON.stringify(missing)}`,
    );
  }
  let added = 0;
  for await (const recorded of inRecordedOrder(store, events)) {
    const at = now();
    const replayed = recorded.map((event) => ({
      eventId: event.id,
      deliveries: router.deliveriesFor(routableOf(event, eventFacts(event.data)), at, handlerIds),
    }));
    added += await store.replay(id, replayed, decision, at);
  }
  return added;
}
