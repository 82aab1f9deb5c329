import type { Clock } from '../time/clock.js';
import { lapsedBefore } from '../handlers/registration.js';
import type { Router } from '../handlers/router.js';
import { observedSince } from '../nodes/advance-node.js';
import type { Refusals } from '../receiver/refusals.js';
import type { JobState } from '../runs/incident.js';
import type { JobKey, RunKey } from '../runs/run-state.js';
import { decisionOf, reasonedDecisionOf, type DecidedBy } from '../store/decision.js';
import type {
  AttemptSummary,
  AuditEntry,
  DeliverySummary,
  EventSummary,
  MessageDetail,
  MessageFilter,
  MessageSummary,
  ProcessSummary,
  RunFilter,
  RunSummary,
  StoredEventFilter,
  MissingHandler,
} from '../store/inbox-reader.js';
import type { ActionFilter, ActionSummary } from '../store/action-store.js';
import type { Page, PageRequest } from '../store/page.js';
import type { Dismissal, Erased, Redrive } from '../store/operator-request.js';
import type { RoundSelection, RoundSummary } from '../store/round-store.js';
import type { NodeKey, NodeSelection, NodeSummary, StoredResults } from '../store/result-store.js';
import type { Store } from '../store/store.js';
import { Eraser, type Erase } from './eraser.js';
import { inboxStatus, type DeliveryQuery, type InboxStatus, type RunDetail } from './inbox-results.js';
import type { Purger } from './purger.js';
import { listDeliveries } from './list-deliveries.js';
import { replayEvents } from './replay-events.js';
import { runDetail } from './run-detail.js';
import { storedResults } from './stored-results.js';
import {
  actionDecisionOf,
  reparseOf,
  requireDismissal,
  requireNodeKey,
  requireRequestOptions,
  type ActionDecision,
  type ReparseOptions,
  type Replay,
} from './requests.js';

/** Options for an inbox. */
export interface InboxOptions {
  readonly store: Store;
  readonly router: Router;
  readonly clock: Clock;
  readonly purger: Purger;
  /** Rejected requests of this process. */
  readonly refusals: Refusals;
  /** Called when work became due. */
  readonly onChange: () => void;
  /** Called when rounds became due. */
  readonly onHastened: () => void;
  /** Gives back the deliveries that this process keeps claimed and has not started. A decision can then apply to them. */
  readonly giveBack: () => Promise<void>;
}

/**
 * Inbox of the app, for inspection and for operators' decisions. Lists return the newest item first. Every method rejects
 * with `StoreUnavailableError` if the inbox is unavailable.
 *
 * @example
 * const { items } = await inbox.deliveries({ state: 'dead' });
 * await inbox.redrive({ deliveryIds: items.map(({ id }) => id), by: 'kim', reason: 'the cause is fixed' });
 */
export class Inbox {
  readonly #options: InboxOptions;

  /** @internal Nest creates it. */
  constructor(options: InboxOptions) {
    this.#options = options;
  }

  /** Lists messages, newest first. */
  async messages(filter: MessageFilter = {}, page: PageRequest = {}): Promise<Page<MessageSummary>> {
    return await this.#options.store.messages(filter, page);
  }

  /** Returns a message with its bytes and kept headers, or `undefined` if none has this id. */
  async message(id: string): Promise<MessageDetail | undefined> {
    return await this.#options.store.message(id);
  }

  /** Lists events, newest first. */
  async events(filter: StoredEventFilter = {}, page: PageRequest = {}): Promise<Page<EventSummary>> {
    return await this.#options.store.events(filter, page);
  }

  /** Lists deliveries, newest first. */
  async deliveries(query: DeliveryQuery = {}, page: PageRequest = {}): Promise<Page<DeliverySummary>> {
    return await listDeliveries(this.#options.store, query, page, () => this.missingHandlers());
  }

  /** Returns the attempts of a delivery, first to last. */
  async attempts(deliveryId: string): Promise<AttemptSummary[]> {
    return await this.#options.store.attempts(deliveryId);
  }

  /** Lists runs, last updated first. */
  async runs(filter: RunFilter = {}, page: PageRequest = {}): Promise<Page<RunSummary>> {
    return await this.#options.store.runs(filter, page);
  }

  /** Returns a run with its messages, events, deliveries and actions, or `undefined` if the inbox does not know it. */
  async run(run: RunKey): Promise<RunDetail | undefined> {
    return await runDetail(this.#options.store, run);
  }

  /** Returns a job's last success and its open incident, or `undefined` if the inbox does not know the job. */
  async job(job: JobKey): Promise<JobState | undefined> {
    return await this.#options.store.job(job);
  }

  /**
   * Returns the results of a run, with all nodes that failed or warned; `undefined` if no handler has asked for them, or if
   * they were purged.
   * @example
   * const found = await inbox.results({ source: 'dbt', accountId: '4', runId: '7' });
   */
  async results(run: RunKey): Promise<StoredResults | undefined> {
    return await storedResults(this.#options.store.results, run);
  }

  /**
   * Lists nodes that have failed, with their history and their open incidents, the last observed ones first. An incident that no
   * run has observed for 30 days has ended, and is not listed as open.
   * @example
   * const { items } = await inbox.nodes({ source: 'dbt', hasIncident: true });
   */
  async nodes(selection: NodeSelection = {}, page: PageRequest = {}): Promise<Page<NodeSummary>> {
    requireRequestOptions('nodes', selection);
    const { store, clock } = this.#options;
    return (await store.results?.nodes(selection, page, observedSince(clock.now()))) ?? { items: [] };
  }

  /**
   * Ends the open incident of a node, without a `node.recovered`. The next failure of the node opens a new one. Returns whether the
   * node had an open incident.
   * @throws ConfigurationError if `source`, `scope`, `nodeId`, `by` or `reason` is invalid.
   * @example
   * await inbox.closeNodeIncident({ source, scope, nodeId, by: 'kim', reason: 'the model was removed' });
   */
  async closeNodeIncident({ by, reason, ...node }: NodeKey & Required<DecidedBy>): Promise<boolean> {
    requireNodeKey(node);
    const decision = reasonedDecisionOf('close', { by, reason }, node);
    const { store, clock } = this.#options;
    return (await store.results?.closeIncident(node, decision, clock.now())) ?? false;
  }

  /** Lists actions at providers, newest first: what was asked, by which handler, and what came of it. */
  async actions(filter: ActionFilter = {}, page: PageRequest = {}): Promise<Page<ActionSummary>> {
    requireRequestOptions('actions', filter);
    return (await this.#options.store.actions?.list(filter, page)) ?? { items: [] };
  }

  /**
   * Ends an `unknown` action, because the provider has carried it out (`done`), or lets an `unknown` or `refused` one be called again,
   * because it has not (`not-done`). A `sent` one whose look-up is overdue counts as `unknown`: perhaps its delivery was dismissed. Look
   * at the provider before, and redrive the delivery afterwards. Returns whether the action was in such a state.
   * @throws ConfigurationError if `source`, `key`, `outcome`, `runId`, `by` or `reason` is invalid.
   * @example
   * await inbox.decideAction({ source, key, outcome: 'done', runId: '70', by: 'kim', reason: 'run 70 is the retry' });
   */
  async decideAction({ by, reason, ...request }: ActionDecision): Promise<boolean> {
    const { action, outcome } = actionDecisionOf(request);
    const decision = reasonedDecisionOf('decide', { by, reason }, request);
    const { store, clock } = this.#options;
    return (await store.actions?.decide(action, outcome, decision, clock.now())) ?? false;
  }

  /**
   * Returns the numbers of messages, events and deliveries by state, of actions, of workers, and of rejected requests. Requests that
   * other processes rejected in the last 30 seconds may be missing. All other numbers are exact, and cost the same however
   * many finished messages the inbox has, so you can poll them.
   */
  async counts(): Promise<InboxStatus> {
    const { store, refusals } = this.#options;
    const [counts, processes, waiting] = await Promise.all([store.counts(), this.processes(), this.missingHandlers()]);
    return inboxStatus(counts, processes, waiting, refusals.unstored());
  }

  /** Returns the running processes that share this inbox. A process that crashed is listed for up to a minute. */
  async processes(): Promise<ProcessSummary[]> {
    const { store, clock } = this.#options;
    return await store.processes(lapsedBefore(clock.now()));
  }

  /** Returns the handlers that no running worker has, with the work that waits for each. */
  async missingHandlers(): Promise<MissingHandler[]> {
    const { store, clock } = this.#options;
    return await store.missingHandlers(lapsedBefore(clock.now()));
  }

  /**
   * Makes dead letters due now, with a fresh set of attempts. Returns how many were redriven.
   * @throws ConfigurationError if `by` or `reason` is invalid.
   */
  async redrive({ by, reason, ...redrive }: Redrive & DecidedBy): Promise<number> {
    requireRequestOptions('redrive', redrive);
    const decision = decisionOf('redrive', { by, reason }, redrive);
    const redriven = await this.#options.store.redrive(redrive, decision, this.#options.clock.now());
    this.#options.onChange();
    return redriven;
  }

  /**
   * Cancels deliveries that must not run: dead letters, and pending deliveries that are not running now. Each keeps its
   * `dismissal`, and is purged like other finished deliveries. Returns how many were dismissed.
   *
   * Deliveries that another process has just recorded are skipped, too: it keeps them claimed for up to a second, until they
   * start or are given back. Call this method again to dismiss those that were given back.
   * @throws ConfigurationError if `by` or `reason` is invalid, or if neither `deliveryIds` nor `handlerId` is set.
   */
  async dismiss({ by, reason, ...dismissal }: Dismissal & Required<DecidedBy>): Promise<number> {
    requireDismissal(dismissal);
    const decision = reasonedDecisionOf('dismiss', { by, reason }, dismissal);
    const { store, clock, onChange, giveBack } = this.#options;
    await giveBack();
    const dismissed = await store.dismiss(dismissal, decision, clock.now());
    onChange();
    return dismissed;
  }

  /**
   * Delivers stored events again, oldest first, as new deliveries with `isReplay` set. Returns how many were added.
   * @throws ConfigurationError if `id`, `by` or `reason` is invalid, or if this process lacks a handler of `handlerIds`.
   */
  async replay(replay: Replay): Promise<number> {
    requireRequestOptions('replay', replay);
    const { store, router, clock, onChange } = this.#options;
    const added = await replayEvents(store, router, () => clock.now(), replay);
    onChange();
    return added;
  }

  /**
   * Parses kept messages again, for example after an upgrade. It checks neither their signature nor their age. An event
   * that exists already stays as it is. Returns how many messages will be parsed.
   * @throws ConfigurationError if `by` or `reason` is invalid.
   */
  async reparse(options: ReparseOptions): Promise<number> {
    const reparse = reparseOf(options);
    const decision = decisionOf('reparse', options, reparse);
    const count = await this.#options.store.reparse(reparse, decision, this.#options.clock.now());
    this.#options.onChange();
    return count;
  }

  /**
   * Erases the content of messages, for personal data: bytes, headers, data of events, texts of errors, and tasks. Ids,
   * types, times and deduplication keys stay. Unfinished deliveries are dismissed. A message that a handler is running with
   * is skipped and counted as `held`: erase it again later. The same applies to a message whose deliveries another process
   * has just recorded, because it keeps them claimed for up to a second.
   * @throws ConfigurationError if `by` or `reason` is invalid, or unless exactly one selector is set.
   */
  async erase(erase: Erase): Promise<Erased> {
    requireRequestOptions('erase', erase);
    const { store, clock, onChange, giveBack } = this.#options;
    const erased = await new Eraser(store, () => clock.now(), giveBack).erase(erase);
    onChange();
    return erased;
  }

  /** Lists the rounds that ask APIs of providers, with their last errors. Those of sources that were removed stay in the list. */
  async rounds(): Promise<RoundSummary[]> {
    return (await this.#options.store.rounds?.list()) ?? [];
  }

  /**
   * Makes rounds due now: all, those of one source, or one of them. A worker then runs them. Rounds that are running are
   * left alone. Returns how many were made due.
   * @throws ConfigurationError if `by` or `reason` is invalid.
   */
  async sweep({ by, reason, ...selection }: RoundSelection & DecidedBy): Promise<number> {
    requireRequestOptions('sweep', selection);
    const decision = decisionOf('sweep', { by, reason }, selection);
    const { store, clock, onHastened } = this.#options;
    const hastened = (await store.rounds?.hasten(selection, decision, clock.now())) ?? 0;
    onHastened();
    return hastened;
  }

  /** Lists operators' decisions, newest first: each redrive, dismissal, replay, reparse, erasure, sweep, closed incident and decided action, with its operator. */
  async audit(page: PageRequest = {}): Promise<Page<AuditEntry>> {
    return await this.#options.store.audit(page);
  }

  /**
   * Removes data older than the configured retention now, instead of within the next 10 minutes. After a clock jump, it
   * removes as little as the regular purge. Returns how many rows were removed.
   */
  async purge(): Promise<number> {
    return await this.#options.purger.purge();
  }
}
