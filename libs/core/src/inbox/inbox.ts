import type { Clock } from '../clock.js';
import { ConfigurationError } from '../errors.js';
import { eventFacts } from '../events/event-data.js';
import { lapsedBefore } from '../handlers/registration.js';
import type { Router } from '../handlers/router.js';
import { routableOf } from '../handlers/router.js';
import { LIMITS } from '../limits.js';
import { addedUp, type Refusals } from '../receiver/refusals.js';
import type { JobState } from '../runs/incident.js';
import type { JobKey, RunKey } from '../runs/run-state.js';
import { decisionOf, reasonedDecisionOf, requireText, type DecidedBy } from '../store/decision.js';
import type {
  AttemptSummary,
  AuditEntry,
  DeliveryFilter,
  DeliverySummary,
  EventSummary,
  InboxCounts,
  MessageDetail,
  MessageFilter,
  MessageSummary,
  Page,
  PageRequest,
  ProcessSummary,
  RunFilter,
  RunSummary,
  StoredEventFilter,
  MissingHandler,
} from '../store/inbox-reader.js';
import type { Dismissal, Erased, Redrive, Reparse } from '../store/operator-request.js';
import type { Store } from '../store/store.js';
import { Eraser, type Erase } from './eraser.js';
import type { Purger } from './purger.js';
import { inRecordedOrder } from './recorded-order.js';
import { requireRequestOptions, type ReparseOptions, type Replay } from './requests.js';

/** A run with all that the inbox has about it. */
export interface RunDetail extends RunSummary {
  readonly messages: readonly MessageSummary[];
  readonly events: readonly EventSummary[];
  readonly deliveries: readonly DeliverySummary[];
}

/** Which deliveries to list. */
export interface DeliveryQuery extends DeliveryFilter {
  /** Only those that wait for a handler which no process runs. */
  readonly missingHandlers?: boolean;
}

/** How much there is, and who is there to do it. */
export interface InboxStatus extends InboxCounts {
  /** Deliveries that wait for a handler which no process runs; among the pending ones. */
  readonly missingHandlers: number;
  /** Processes that read messages and run handlers. With none, what arrives is stored and waits. */
  readonly workers: number;
  /**
   * Calls of handlers that still run although their attempt is over, in all processes, as of each one's last heartbeat.
   * {@link Inbox.processes} lists them by process and handler.
   */
  readonly abandoned: number;
}

const REPARSED_BY_DEFAULT: Reparse['states'] = ['unrecognized', 'quarantined'];

export interface InboxOptions {
  readonly store: Store;
  readonly router: Router;
  readonly clock: Clock;
  readonly purger: Purger;
  /** Those of this process, where it receives messages. */
  readonly refusals: Refusals;
  /** Called when something became due. */
  readonly onChange: () => void;
}

/** The inbox as the host app sees it: look into it, and run things again. Lists are newest first. */
export class Inbox {
  readonly #options: InboxOptions;

  constructor(options: InboxOptions) {
    this.#options = options;
  }

  async messages(filter: MessageFilter = {}, page: PageRequest = {}): Promise<Page<MessageSummary>> {
    return await this.#options.store.messages(filter, page);
  }

  /** A message with its bytes and kept headers. */
  async message(id: string): Promise<MessageDetail | undefined> {
    return await this.#options.store.message(id);
  }

  async events(filter: StoredEventFilter = {}, page: PageRequest = {}): Promise<Page<EventSummary>> {
    return await this.#options.store.events(filter, page);
  }

  async deliveries(query: DeliveryQuery = {}, page: PageRequest = {}): Promise<Page<DeliverySummary>> {
    const { missingHandlers, ...filter } = query;
    const { store } = this.#options;
    if (!missingHandlers) return await store.deliveries(filter, page);
    const { handlerIds, state = 'pending' } = filter;
    const waiting = (await this.missingHandlers()).map(({ handlerId }) => handlerId);
    const wanted = handlerIds ? waiting.filter((id) => handlerIds.includes(id)) : waiting;
    return state === 'pending' ? await store.deliveries({ ...filter, state, handlerIds: wanted }, page) : { items: [] };
  }

  /** The attempts of a delivery, first to last. */
  async attempts(deliveryId: string): Promise<AttemptSummary[]> {
    return await this.#options.store.attempts(deliveryId);
  }

  /** Runs, last updated first: of one job, its last runs. */
  async runs(filter: RunFilter = {}, page: PageRequest = {}): Promise<Page<RunSummary>> {
    return await this.#options.store.runs(filter, page);
  }

  /** A run with its messages, its events, and what every handler did with them; each list at most a page long. */
  async run(run: RunKey): Promise<RunDetail | undefined> {
    const { store } = this.#options;
    const page = { limit: LIMITS.pageItemsMax };
    const [summary, messages, events, deliveries] = await Promise.all([
      store.run(run),
      store.messages({ run }, page),
      store.events({ run }, page),
      store.deliveries({ run }, page),
    ]);
    return summary && { ...summary, messages: messages.items, events: events.items, deliveries: deliveries.items };
  }

  /** A job's last success and its open incident. */
  async job(job: JobKey): Promise<JobState | undefined> {
    return await this.#options.store.job(job);
  }

  /**
   * How many messages, events and deliveries there are, by state, whether anybody is there for them, and how many
   * requests were refused. Those that other processes refused in the last half minute may be missing.
   */
  async counts(): Promise<InboxStatus> {
    const [counts, processes, waiting] = await Promise.all([
      this.#options.store.counts(),
      this.processes(),
      this.missingHandlers(),
    ]);
    return {
      ...counts,
      refusals: addedUp(counts.refusals, this.#options.refusals.unstored()),
      missingHandlers: waiting.reduce((sum, { deliveries }) => sum + deliveries, 0),
      workers: processes.filter(({ role }) => role !== 'receiver').length,
      abandoned: processes.flatMap(({ abandoned }) => abandoned).reduce((sum, { calls }) => sum + calls, 0),
    };
  }

  /** The processes that share this inbox and are alive. One that crashed is listed for up to a minute. */
  async processes(): Promise<ProcessSummary[]> {
    const { store, clock } = this.#options;
    return await store.processes(lapsedBefore(clock.now()));
  }

  /** What waits for handlers that no process runs: removed or renamed ones, or of processes that are down. */
  async missingHandlers(): Promise<MissingHandler[]> {
    const { store, clock } = this.#options;
    return await store.missingHandlers(lapsedBefore(clock.now()));
  }

  /** Tries dead letters again at once, with all their attempts before them. Answers how many. */
  async redrive({ by, reason, ...redrive }: Redrive & DecidedBy): Promise<number> {
    requireRequestOptions('redrive', redrive);
    const decision = decisionOf('redrive', { by, reason }, redrive);
    const redriven = await this.#options.store.redrive(redrive, decision, this.#options.clock.now());
    this.#options.onChange();
    return redriven;
  }

  /**
   * Ends deliveries that nobody is to run any more: dead letters, and pending ones that no process holds, for example
   * of a handler that was removed. They are kept with who decided that and why, and are purged like others that are
   * settled. Answers how many.
   */
  async dismiss({ by, reason, ...dismissal }: Dismissal & Required<DecidedBy>): Promise<number> {
    requireRequestOptions('dismiss', dismissal);
    const { deliveryIds, handlerId } = dismissal;
    if (deliveryIds === undefined && handlerId === undefined) {
      throw new ConfigurationError('dismiss', 'found neither deliveryIds nor handlerId; expected one of them');
    }
    const decision = reasonedDecisionOf('dismiss', { by, reason }, dismissal);
    const dismissed = await this.#options.store.dismiss(dismissal, decision, this.#options.clock.now());
    // Lanes may go on.
    this.#options.onChange();
    return dismissed;
  }

  /**
   * Delivers stored events again, as new deliveries with `isReplay` set, in the order in which they were recorded.
   * Answers how many were added.
   */
  async replay(replay: Replay): Promise<number> {
    requireRequestOptions('replay', replay);
    const { id, events, handlerIds, by, reason } = replay;
    requireRequestOptions('replay.events', events);
    requireText('replay.id', id, LIMITS.replayIdCharsMax);
    const decision = decisionOf('replay', { by, reason }, { id, events, handlerIds });
    const { store, router, clock, onChange } = this.#options;
    const stranger = handlerIds?.find((handlerId) => !router.knows(handlerId));
    if (stranger !== undefined) {
      throw new ConfigurationError(
        'replay.handlerIds',
        `found ${JSON.stringify(stranger)}; there is no handler with this id`,
      );
    }
    let added = 0;
    for await (const recorded of inRecordedOrder(store, events)) {
      const now = clock.now();
      const replayed = recorded.map((event) => ({
        eventId: event.id,
        deliveries: router.deliveriesFor(routableOf(event, eventFacts(event.data)), now, handlerIds),
      }));
      added += await store.replay(id, replayed, decision, now);
    }
    onChange();
    return added;
  }

  /**
   * Reads kept messages again from their bytes, for example after an upgrade that knows more. Their signature and age
   * are not checked again. Answers how many.
   */
  async reparse(options: ReparseOptions): Promise<number> {
    requireRequestOptions('reparse', options);
    const { messageIds, states = REPARSED_BY_DEFAULT, runHandlers = false, by, reason } = options;
    const reparse: Reparse = { states, withoutHandlers: !runHandlers, ...(messageIds && { messageIds }) };
    const decision = decisionOf('reparse', { by, reason }, reparse);
    const again = await this.#options.store.reparse(reparse, decision, this.#options.clock.now());
    this.#options.onChange();
    return again;
  }

  /**
   * Erases the content of messages, for personal data: their bytes and headers, the data of their events, what
   * attempts failed with, and what waits for handlers. Stays: that a message came and when, ids, types, and the hash by
   * which a duplicate is known. What is pending ends as dismissed. What a handler runs with just now is `held`: ask again.
   */
  async erase(erase: Erase): Promise<Erased> {
    requireRequestOptions('erase', erase);
    const { store, clock, onChange } = this.#options;
    const erased = await new Eraser(store, () => clock.now()).erase(erase);
    onChange();
    return erased;
  }

  /** What operators decided: who redrove, dismissed, replayed, read again or erased what, and when. */
  async audit(page: PageRequest = {}): Promise<Page<AuditEntry>> {
    return await this.#options.store.audit(page);
  }

  /**
   * Removes what is older than the configured retention now, instead of at the next look. After a jump of the clock it
   * removes as little as the look itself would. Answers how many rows went.
   */
  async purge(): Promise<number> {
    return await this.#options.purger.purge();
  }
}
