import type { SqlDialect } from './dialect.js';
import { appendMessage } from './operations/append-message.js';
import { claimDeliveries } from './operations/claim-deliveries.js';
import { dueDeliveries } from './operations/due-deliveries.js';
import { claimMessages } from './operations/claim-messages.js';
import { countInbox } from './operations/count-inbox.js';
import { countRefusals } from './operations/count-refusals.js';
import { dismissDeliveries } from './operations/dismiss-deliveries.js';
import { listAttempts, listDeliveries } from './operations/list-deliveries.js';
import { listEvents } from './operations/list-events.js';
import { findMessage, listMessages } from './operations/list-messages.js';
import { claimTasks, evaluateTask } from './operations/do-tasks.js';
import { eraseMessages } from './operations/erase-messages.js';
import { findJob, findRun, listRuns } from './operations/list-runs.js';
import { listProcesses, listUnattended } from './operations/list-processes.js';
import { nextDueAt } from './operations/next-due.js';
import { pullBack } from './operations/pull-back.js';
import { purgeInbox } from './operations/purge-inbox.js';
import { listAudit } from './operations/record-decision.js';
import { recordReading } from './operations/record-reading.js';
import { deregisterProcess, registerProcess } from './operations/register-process.js';
import { renewDeliveries } from './operations/renew-deliveries.js';
import { redriveDeliveries, replayDecided, rereadMessages } from './operations/run-again.js';
import { searchMessages } from './operations/search-messages.js';
import { settleDelivery } from './operations/settle-delivery.js';

/** Every operation of an inbox, compiled once for one engine. One file each under `operations/`. */
export function inboxOperations(dialect: SqlDialect) {
  return {
    register: registerProcess(dialect),
    deregister: deregisterProcess(dialect),
    append: appendMessage(dialect),
    countRefusals: countRefusals(dialect),
    claimMessages: claimMessages(dialect),
    record: recordReading(dialect),
    claimDeliveries: claimDeliveries(dialect),
    dueDeliveries: dueDeliveries(dialect),
    renew: renewDeliveries(dialect),
    claimTasks: claimTasks(dialect),
    evaluate: evaluateTask(dialect),
    settle: settleDelivery(dialect),
    nextDueAt: nextDueAt(dialect),
    redrive: redriveDeliveries(dialect),
    dismiss: dismissDeliveries(dialect),
    replay: replayDecided(dialect),
    reread: rereadMessages(dialect),
    erase: eraseMessages(dialect),
    audit: listAudit(dialect),
    messagesHolding: searchMessages(dialect),
    purge: purgeInbox(dialect),
    pullBack: pullBack(dialect),
    messages: listMessages(dialect),
    message: findMessage(dialect),
    events: listEvents(dialect),
    deliveries: listDeliveries(dialect),
    attempts: listAttempts(dialect),
    runs: listRuns(dialect),
    run: findRun(dialect),
    job: findJob(dialect),
    counts: countInbox(dialect),
    processes: listProcesses(dialect),
    unattended: listUnattended(dialect),
  };
}
