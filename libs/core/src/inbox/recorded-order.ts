import { RUN_EVENT_TYPES } from '../runs/run-signal.js';
import type { EventSummary, InboxReader, StoredEventFilter } from '../store/inbox-reader.js';
import type { Page } from '../store/page.js';
import { LIMITS } from '../limits.js';

/**
 * Yields the events that exist at the start, oldest first, in batches, although the store lists the newest first. Events
 * recorded at the same time are in the order of their messages, and events of one message in the order of a run.
 */
export async function* inRecordedOrder(
  store: Pick<InboxReader, 'events'>,
  filter: StoredEventFilter,
): AsyncGenerator<EventSummary[]> {
  const pageAfter = (after?: string): Promise<Page<EventSummary>> =>
    store.events(filter, { limit: LIMITS.replayStepMax, ...(after !== undefined && { after }) });
  const newest = await pageAfter();
  const starts: string[] = [];
  for (let page = newest; page.next !== undefined; page = await pageAfter(page.next)) starts.push(page.next);

  // Events with the last time of a page can continue on the next page.
  let open: EventSummary[] = [];
  for (const start of [...starts.reverse(), undefined]) {
    const { items } = start === undefined ? newest : await pageAfter(start);
    const events = [...open, ...items].sort(byRecording);
    const last = events.at(-1)?.recordedAt.getTime();
    open = events.filter(({ recordedAt }) => recordedAt.getTime() === last);
    yield events.slice(0, events.length - open.length);
  }
  yield open;
}

function byRecording(a: EventSummary, b: EventSummary): number {
  const time = a.recordedAt.getTime() - b.recordedAt.getTime();
  if (time !== 0) return time;
  const [message, other] = [a.messageId ?? '', b.messageId ?? ''];
  if (message !== other) return message < other ? -1 : 1;
  return rankOf(a) - rankOf(b);
}

/** Returns the position of an event within its message. Events that are not about the run itself come last. */
function rankOf({ type }: EventSummary): number {
  const rank = (RUN_EVENT_TYPES as readonly string[]).indexOf(type);
  return rank < 0 ? RUN_EVENT_TYPES.length : rank;
}
