import { burst, type BurstOrder, type BurstResult } from './burst.js';
import { paced, type PacedOrder, type PacedResult } from './paced.js';

export type LoadOrder = BurstOrder | PacedOrder;
export type LoadResult<Order extends LoadOrder> = Order extends BurstOrder ? BurstResult : PacedResult;

/** Runs the orders of the bench one after the other, in a separate process. */
async function obey(order: LoadOrder): Promise<void> {
  process.send?.(order.kind === 'burst' ? await burst(order) : await paced(order));
}

process.on('message', (order: LoadOrder) => void obey(order));
// The bench was killed.
process.once('disconnect', () => process.exit());
process.send?.('ready');
