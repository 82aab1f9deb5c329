import { ShutdownError } from '../errors.js';
import { eventData, eventFacts, type EventFacts } from '../events/event-data.js';
import { DEAD_LETTER_EVENT_TYPE } from '../events/event.js';
import type { Routable } from '../handlers/filter.js';
import { afterFailure } from '../handlers/retry-policy.js';
import type { Router } from '../handlers/router.js';
import type { AttemptRecord, Settlement } from '../store/delivery.js';
import type { NewEvent } from '../store/recording.js';
import { attemptRecord, type Attempt, type AttemptResult } from './attempt.js';
import { isWaiting } from './waiting.js';

/** Returns the settlement of a delivery after an attempt. Pure, except for the jitter of the retry delay. */
export function settlementOf(attempt: Attempt, result: AttemptResult, now: Date, router: Router): Settlement {
  const { delivery, startedAt } = attempt;
  const record = attemptRecord(startedAt, now, result);
  const base = { deliveryId: delivery.id, lease: delivery.lease, attempt: record };
  if (result.outcome !== 'failed') return { ...base, next: { state: result.outcome } };
  // A shutdown is not the handler's failure, so the delivery is due at once and cannot become a dead letter.
  if (attempt.abortedBy instanceof ShutdownError) return { ...base, next: { state: 'pending', dueAt: now } };
  if (isWaiting(result.thrown)) {
    const { delayMs, message: waitingFor } = result.thrown;
    return { ...base, next: { state: 'pending', dueAt: new Date(now.getTime() + delayMs), waitingFor } };
  }
  const delayMs = afterFailure(attempt.handler.retry, delivery.attempt - delivery.attemptsBefore, result.thrown);
  if (delayMs !== 'dead') {
    return { ...base, next: { state: 'pending', dueAt: new Date(now.getTime() + delayMs) } };
  }
  const event = deadLetterEvent(attempt, record, now, router);
  return { ...base, next: { state: 'dead' }, ...(event && { decide: () => ({ events: [event] }) }) };
}

/** Returns the event for `@OnDeadLetter` handlers. Their own dead letters have none, because that could go on forever. */
function deadLetterEvent(attempt: Attempt, record: AttemptRecord, now: Date, router: Router): NewEvent | undefined {
  const { delivery } = attempt;
  const { event, attempt: attempts } = delivery;
  if (event.type === DEAD_LETTER_EVENT_TYPE) return undefined;
  const { receivedAt, run } = eventFacts(event.data);
  const { name = '', message = '' } = record.error ?? {};
  const facts: EventFacts = {
    occurredAt: now,
    receivedAt,
    ...(run && { run }),
    deadLetter: {
      deliveryId: delivery.id,
      handlerId: delivery.handlerId,
      eventId: event.id,
      eventType: event.type,
      attempts,
      error: { name, message },
    },
  };
  const { source, provider } = event;
  const routable: Routable = { type: DEAD_LETTER_EVENT_TYPE, source, provider, ...(run && { run }) };
  const deliveries = router.deliveriesFor(routable, now);
  if (deliveries.length === 0) return undefined;
  // The id includes the attempt, because a redriven delivery can become a dead letter again.
  const id = `${DEAD_LETTER_EVENT_TYPE}:${source}/${delivery.id}/${attempts}`;
  return { id, type: DEAD_LETTER_EVENT_TYPE, occurredAt: now, data: eventData(facts), deliveries };
}
