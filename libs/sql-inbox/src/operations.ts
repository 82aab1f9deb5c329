import type { SqlDialect } from './dialect.js';
import { appendMessage } from './operations/append-message.js';
import { claimDeliveries } from './operations/claim-deliveries.js';
import { claimMessages } from './operations/claim-messages.js';
import { countInbox } from './operations/count-inbox.js';
import { recordReading } from './operations/record-reading.js';
import { renewDeliveries } from './operations/renew-deliveries.js';
import { settleDelivery } from './operations/settle-delivery.js';

/** Every operation of an inbox, compiled once for one engine. One file each under `operations/`. */
export function inboxOperations(dialect: SqlDialect) {
  return {
    append: appendMessage(dialect),
    claimMessages: claimMessages(dialect),
    record: recordReading(dialect),
    claimDeliveries: claimDeliveries(dialect),
    renew: renewDeliveries(dialect),
    settle: settleDelivery(dialect),
    counts: countInbox(dialect),
  };
}
