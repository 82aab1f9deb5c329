import type { DeliverySummary, MissingHandler } from '../store/inbox-reader.js';
import type { Page, PageRequest } from '../store/page.js';
import type { Store } from '../store/store.js';
import type { DeliveryQuery } from './inbox-results.js';

/** Lists deliveries, newest first. Those that wait for a missing handler are pending ones of handlers that no worker has. */
export async function listDeliveries(
  store: Store,
  { missingHandlers: isMissing, ...filter }: DeliveryQuery,
  page: PageRequest,
  missingHandlers: () => Promise<readonly MissingHandler[]>,
): Promise<Page<DeliverySummary>> {
  if (!isMissing) return await store.deliveries(filter, page);
  const { handlerIds, state = 'pending' } = filter;
  const waiting = (await missingHandlers()).map(({ handlerId }) => handlerId);
  const wanted = handlerIds ? waiting.filter((id) => handlerIds.includes(id)) : waiting;
  return state === 'pending' ? await store.deliveries({ ...filter, state, handlerIds: wanted }, page) : { items: [] };
}
