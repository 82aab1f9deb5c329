import { LIMITS } from '../limits.js';
import type { RunKey } from '../runs/run-state.js';
import type { Store } from '../store/store.js';
import type { RunDetail } from './inbox-results.js';

/** Returns a run with all that the inbox has about it, or `undefined` if the inbox does not know it. */
export async function runDetail(store: Store, run: RunKey): Promise<RunDetail | undefined> {
  const page = { limit: LIMITS.pageItemsMax };
  const [summary, messages, events, deliveries, actions] = await Promise.all([
    store.run(run),
    store.messages({ run }, page),
    store.events({ run }, page),
    store.deliveries({ run }, page),
    store.actions?.list({ run }, page),
  ]);
  if (!summary) return undefined;
  return {
    ...summary,
    messages: messages.items,
    events: events.items,
    deliveries: deliveries.items,
    actions: actions?.items ?? [],
  };
}
