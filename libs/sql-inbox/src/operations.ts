import type { SqlDialect } from './schema/dialect.js';
import { appendMessage } from './accept/append-message.js';
import { claimDeliveries } from './deliveries/claim-deliveries.js';
import { dueDeliveries } from './deliveries/due-deliveries.js';
import { claimMessages } from './parsing/claim-messages.js';
import { countInbox } from './lists/count-inbox.js';
import { countRefusals } from './accept/count-refusals.js';
import { dismissDeliveries } from './upkeep/dismiss-deliveries.js';
import { listAttempts, listDeliveries } from './lists/list-deliveries.js';
import { listEvents } from './lists/list-events.js';
import { findMessage, listMessages } from './lists/list-messages.js';
import { evaluateTask } from './tasks/evaluate-task.js';
import { claimTasks } from './tasks/claim-tasks.js';
import { eraseMessages } from './upkeep/erase-messages.js';
import { findJob, findRun, listRuns } from './lists/list-runs.js';
import { listProcesses, listMissingHandlers } from './processes/list-processes.js';
import { nextDueAt } from './deliveries/next-due.js';
import { pullBack } from './upkeep/pull-back.js';
import { purgeInbox } from './upkeep/purge-inbox.js';
import { listAudit } from './rows/record-decision.js';
import { recordReading } from './parsing/record-parsed.js';
import { deregisterProcess, registerProcess } from './processes/register-process.js';
import { renewDeliveries } from './deliveries/renew-deliveries.js';
import { replayDecided } from './deliveries/replay-events.js';
import { reparseMessages } from './parsing/reparse-messages.js';
import { redriveDeliveries } from './deliveries/redrive-deliveries.js';
import { searchMessages } from './lists/search-messages.js';
import { settleDelivery } from './deliveries/settle-delivery.js';

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
    reparse: reparseMessages(dialect),
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
    missingHandlers: listMissingHandlers(dialect),
  };
}
