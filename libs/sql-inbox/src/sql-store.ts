import {
  isStoreUnavailableError,
  NOT_RECORDED,
  rowsOf,
  type ActionStore,
  type Appended,
  type Entry,
  type NewMessage,
  type Recorded,
  type ReportedMessage,
  type ResultStore,
  type RoundStore,
  type Store,
} from 'nestjs-runhooks/core';
import { findAction } from './actions/action-rows.js';
import { advanceAction } from './actions/advance-action.js';
import { answerAction } from './actions/answer-action.js';
import { beginAction } from './actions/begin-action.js';
import { decideAction } from './actions/decide-action.js';
import { listActions } from './actions/list-actions.js';
import { appendMessage, appendReportedMessage, type AppendMessage } from './accept/append-message.js';
import { countRefusals } from './accept/count-refusals.js';
import { claimDeliveries } from './deliveries/claim-deliveries.js';
import { dueDeliveries } from './deliveries/due-deliveries.js';
import { nextDueAt } from './deliveries/next-due.js';
import { redriveDeliveries } from './deliveries/redrive-deliveries.js';
import { renewDeliveries } from './deliveries/renew-deliveries.js';
import { replayDecided } from './deliveries/replay-events.js';
import { releaseWork } from './deliveries/release-work.js';
import { countInbox } from './lists/count-inbox.js';
import { listAttempts, listDeliveries } from './lists/list-deliveries.js';
import { listEvents } from './lists/list-events.js';
import { findMessage, listMessages } from './lists/list-messages.js';
import { findJob, findRun, listRuns } from './lists/list-runs.js';
import { searchMessages } from './lists/search-messages.js';
import { claimMessages } from './parsing/claim-messages.js';
import { reparseMessages } from './parsing/reparse-messages.js';
import { listMissingHandlers, listProcesses } from './processes/list-processes.js';
import { deregisterProcess, registerProcess } from './processes/register-process.js';
import { evaluateTask } from './recording/evaluate-task.js';
import { recordEntries } from './recording/record-entries.js';
import { addDeliveries } from './results/add-deliveries.js';
import { closeIncident } from './results/close-incident.js';
import { listNodes } from './results/list-nodes.js';
import { incidentFinder } from './results/open-incident.js';
import { findTrackedNodes, listUnread, readFailing } from './results/read-results.js';
import { recordNodes } from './results/record-nodes.js';
import { resultsFinder } from './results/result-rows.js';
import { saveInSteps } from './results/save-in-steps.js';
import { saveResults } from './results/save-results.js';
import { listAudit } from './rows/record-decision.js';
import { claimRound, hastenRounds, listRounds, renewRound, settleRound } from './rounds/claim-rounds.js';
import { findCooldown, saveCooldown } from './rounds/cooldowns.js';
import { registerRounds } from './rounds/register-rounds.js';
import { addFacts, appendReported, findLacking, findOpenRuns } from './rounds/reported-runs.js';
import type { Transaction } from './schema/statement.js';
import { SqlEngine } from './sql-engine.js';
import { claimTasks } from './tasks/claim-tasks.js';
import { dismissDeliveries } from './upkeep/dismiss-deliveries.js';
import { eraseMessages } from './upkeep/erase-messages.js';
import { pullBack } from './upkeep/pull-back.js';
import { purgeInbox } from './upkeep/purge-inbox.js';

/** An inbox in SQL: each verb is one operation, run as a transaction of the engine. */
export abstract class SqlStore extends SqlEngine implements Store {
  protected readonly appendOne = appendMessage(this.dialect);
  protected readonly recordAll = recordEntries(this.dialect, this.entries);

  readonly countRefusals = this.writing(countRefusals(this.dialect));
  readonly register = this.writing(registerProcess(this.dialect));
  readonly deregister = this.writing(deregisterProcess(this.dialect));
  readonly nextDueAt = this.reading(nextDueAt(this.dialect));

  readonly claimMessages = this.writing(claimMessages(this.dialect));
  readonly claimDeliveries = this.writing(claimDeliveries(this.dialect));
  readonly dueDeliveries = this.reading(dueDeliveries(this.dialect));
  readonly renew = this.writing(renewDeliveries(this.dialect));
  readonly release = this.writingWork(releaseWork(this.dialect));
  readonly claimTasks = this.writing(claimTasks(this.dialect));
  readonly evaluate = this.writingWork(evaluateTask(this.dialect, this.entries));

  readonly redrive = this.writingWork(redriveDeliveries(this.dialect));
  readonly dismiss = this.writing(dismissDeliveries(this.dialect));
  readonly replay = this.writingWork(replayDecided(this.dialect));
  readonly reparse = this.writingWork(reparseMessages(this.dialect));
  readonly pullBack = this.writing(pullBack(this.dialect));

  readonly audit = this.reading(listAudit(this.dialect));
  readonly messagesHolding = this.reading(searchMessages(this.dialect));
  readonly messages = this.reading(listMessages(this.dialect));
  readonly message = this.reading(findMessage(this.dialect));
  readonly events = this.reading(listEvents(this.dialect));
  readonly deliveries = this.reading(listDeliveries(this.dialect));
  readonly attempts = this.reading(listAttempts(this.dialect));
  readonly runs = this.reading(listRuns(this.dialect));
  readonly run = this.reading(findRun(this.dialect));
  readonly job = this.reading(findJob(this.dialect));
  readonly counts = this.reading(countInbox(this.dialect));
  readonly processes = this.reading(listProcesses(this.dialect));
  readonly missingHandlers = this.reading(listMissingHandlers(this.dialect));

  readonly #erase = this.writing(eraseMessages(this.dialect));
  readonly #purge = this.writing(purgeInbox(this.dialect));

  readonly #appendReported = this.writingWork(appendReported(this.dialect));
  readonly #appendReportedOne = appendReportedMessage(this.dialect);

  readonly rounds: RoundStore = {
    register: this.writing(registerRounds(this.dialect)),
    claim: this.writing(claimRound(this.dialect)),
    renew: this.writing(renewRound(this.dialect)),
    settle: this.writing(settleRound(this.dialect)),
    list: this.reading(listRounds(this.dialect)),
    hasten: this.writing(hastenRounds(this.dialect)),
    cooldownUntil: this.reading(findCooldown(this.dialect)),
    coolDown: this.writing(saveCooldown(this.dialect)),
    lacking: this.reading(findLacking(this.dialect)),
    appendReported: (messages) => this.#appendAllReported(messages),
    addFacts: this.writing(addFacts(this.dialect)),
    openRuns: this.reading(findOpenRuns(this.dialect)),
  };

  readonly results: ResultStore = {
    save: saveInSteps(this.writing(saveResults(this.dialect))),
    find: this.reading(resultsFinder(this.dialect)),
    failing: this.reading(readFailing(this.dialect)),
    trackedNodes: this.reading(findTrackedNodes(this.dialect)),
    recordNodes: this.writingWork(recordNodes(this.dialect, this.entries)),
    unreadAfter: this.reading(listUnread(this.dialect)),
    addDeliveries: this.writingWork(addDeliveries(this.dialect)),
    hasIncident: this.reading(incidentFinder(this.dialect)),
    nodes: this.reading(listNodes(this.dialect)),
    closeIncident: this.writing(closeIncident(this.dialect)),
  };

  readonly actions: ActionStore = {
    begin: this.writing(beginAction(this.dialect)),
    advance: this.writing(advanceAction(this.dialect)),
    answer: this.writing(answerAction(this.dialect)),
    find: this.reading(findAction(this.dialect)),
    list: this.reading(listActions(this.dialect)),
    decide: this.writing(decideAction(this.dialect)),
  };

  abstract readonly description: string;
  abstract open(): Promise<void>;
  abstract close(): Promise<void>;

  append(message: NewMessage): Promise<Appended> {
    return this.appendBy((begin) => this.writeWork(begin), message, this.appendOne);
  }

  /** An entry that the engine rejects fails alone. After a failure of the engine, none may overtake an earlier one. */
  async record(entries: readonly Entry[], now: Date): Promise<Recorded[]> {
    const recordAll = (some: readonly Entry[]): Promise<Recorded[]> => this.writeWork(() => this.recordAll(some, now));
    try {
      return await recordAll(entries);
    } catch (error) {
      if (entries.length === 1 || isStoreUnavailableError(error)) throw error;
    }
    const recorded: Recorded[] = [];
    let unavailable: unknown;
    for (const entry of entries) {
      try {
        if (unavailable !== undefined) throw unavailable;
        recorded.push(...(await recordAll([entry])));
      } catch (failure) {
        if (isStoreUnavailableError(failure)) unavailable = failure;
        recorded.push({ ...NOT_RECORDED, failure });
      }
    }
    return recorded;
  }

  async erase(...args: Parameters<Store['erase']>): ReturnType<Store['erase']> {
    const erased = await this.#erase(...args);
    this.forgetRemoved();
    return erased;
  }

  async purge(purge: Parameters<Store['purge']>[0]): ReturnType<Store['purge']> {
    const removed = await this.#purge(purge);
    // Only after the last of many steps: it would make every step take twice as long.
    if (rowsOf(removed) < purge.limit || removed.heldBackBy) this.forgetRemoved();
    return removed;
  }

  /** A message that the engine rejects must not keep back the others, or the runs behind it would never be found. */
  async #appendAllReported(messages: readonly ReportedMessage[]): Promise<Appended[]> {
    try {
      return await this.#appendReported(messages);
    } catch (error) {
      if (isStoreUnavailableError(error)) throw error;
    }
    const appended: Appended[] = [];
    for (const message of messages) {
      appended.push(await this.appendBy((begin) => this.writeWork(begin), message, this.#appendReportedOne));
    }
    return appended;
  }

  /** Stores one message in a transaction of its own. A message whose content the engine rejects is kept as bytes. */
  protected async appendBy<M extends NewMessage>(
    write: (begin: () => Transaction<Appended>) => Promise<Appended>,
    message: M,
    appendOne: AppendMessage<M>,
  ): Promise<Appended> {
    try {
      return await write(() => appendOne(message, { state: 'stored' }));
    } catch (error) {
      if (isStoreUnavailableError(error)) throw error;
      // The cause is in this row; only its bytes are certain to fit.
      const reason = 'the inbox could not store the headers or the id of this message, only its body';
      const bytes = { ...message, headers: {}, messageKey: '' };
      return await write(() => appendOne(bytes, { state: 'quarantined', reason }));
    }
  }

  /** Called after removals, so that the engine can wipe the removed content from the files of the inbox. */
  protected forgetRemoved(): void {}
}
