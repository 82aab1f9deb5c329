import { reasonedDecisionOf, requireText, type DecidedBy, type Decision } from '../store/decision.js';
import { ConfigurationError } from '../errors.js';
import { eventFacts } from '../events/event-data.js';
import { DEAD_LETTER_EVENT_TYPE, RUNS_JOINED_EVENT_TYPE } from '../events/event.js';
import { isRun, spellingsOf } from '../store/erasure.js';
import type { EventSummary, StoredEventFilter } from '../store/inbox-reader.js';
import type { Page } from '../store/page.js';
import { LIMITS } from '../limits.js';
import type { RunKey } from '../runs/run-state.js';
import type { Erased, Erasure } from '../store/operator-request.js';
import type { Store } from '../store/store.js';

/** Options for `Inbox.erase`: everything about one run, messages by id, or all that contain a string. Set exactly one. */
export type Erase = Required<DecidedBy> &
  (
    | { readonly run: RunKey; readonly messageIds?: never; readonly textContains?: never }
    | { readonly messageIds: readonly string[]; readonly run?: never; readonly textContains?: never }
    | {
        /**
         * String of 3 to 200 characters, compared with case. It is also found with JSON escapes, but not in another
         * encoding.
         */
        readonly textContains: string;
        readonly run?: never;
        readonly messageIds?: never;
      }
  );

const NOTHING: Erasure = { messageIds: [], eventIds: [], runs: [], texts: [] };

/** Erases the content of messages, and everything derived from it, in small steps. */
export class Eraser {
  readonly #store: Store;
  readonly #now: () => Date;
  /** Gives back deliveries that have not started, because their messages could not be erased. */
  readonly #giveBack: () => Promise<void>;

  constructor(store: Store, now: () => Date, giveBack: () => Promise<void>) {
    this.#store = store;
    this.#now = now;
    this.#giveBack = giveBack;
  }

  /** Erases the selected content. Returns how much was erased. Throws {@link ConfigurationError} for invalid options. */
  async erase(erase: Erase): Promise<Erased> {
    const { run, messageIds, textContains } = erase;
    const selectors = [run, messageIds, textContains].filter((one) => one !== undefined);
    if (selectors.length !== 1) {
      throw new ConfigurationError(
        'erase',
        `expected exactly one of run, messageIds and textContains, got ${selectors.length}`,
      );
    }
    if (textContains !== undefined) return await this.#eraseText(erase, textContains);
    const decision = reasonedDecisionOf('erase', erase, { run, messageIds });
    const ids = run ? await this.#messagesOf(run) : [...(messageIds ?? [])];
    const runs = run ? [run] : await this.#runsOf(ids);
    const eventIds = [...(run ? await this.#eventsAloneOf(run) : []), ...(await this.#eventsQuoting(runs))];
    return await this.#eraseAll(ids, { ...NOTHING, runs, eventIds }, decision);
  }

  /** The decision records only the length of the string, because the string itself must not be kept. */
  async #eraseText(erase: Erase, text: string): Promise<Erased> {
    requireText('erase.textContains', text, LIMITS.eraseTextCharsMax);
    if (text.length < LIMITS.eraseTextCharsMin) {
      throw new ConfigurationError(
        'erase.textContains',
        `expected at least ${LIMITS.eraseTextCharsMin} characters, got ${text.length}. Nearly every message contains a shorter string`,
      );
    }
    const decision = reasonedDecisionOf('erase', erase, { textContains: `${text.length} characters` });
    const texts = spellingsOf(text);
    const found: string[] = [];
    let after: string | undefined;
    do {
      const page = await this.#store.messagesHolding(texts, { limit: LIMITS.eraseStepMax, ...(after && { after }) });
      found.push(...page.items);
      after = page.next;
    } while (after !== undefined);
    const eventIds = await this.#eventsHolding(texts);
    return await this.#eraseAll(found, { ...NOTHING, eventIds, texts }, decision);
  }

  /** Returns the events without a message that contain one of the strings, also in errors of their attempts. */
  async #eventsHolding(texts: readonly string[]): Promise<string[]> {
    const holds = (text: string): boolean => texts.some((one) => text.includes(one));
    const alone: EventSummary[] = [];
    await this.#eachEvent({ withoutMessage: true }, (event) => alone.push(event));
    const found: string[] = [];
    for (const { id: eventId, data } of alone) {
      const { items } = await this.#store.deliveries({ eventId }, { limit: LIMITS.pageItemsMax });
      const attempts = await Promise.all(items.map(({ id }) => this.#store.attempts(id)));
      const errors = attempts.flat().flatMap(({ error }) => (error ? Object.values(error) : []) as string[]);
      if ([data, ...errors].some(holds)) found.push(eventId);
    }
    return found;
  }

  async #eraseAll(messageIds: readonly string[], rest: Erasure, decision: Decision): Promise<Erased> {
    const sum = { messages: 0, events: 0, dismissed: 0, held: 0 };
    const step = async (erasure: Erasure): Promise<void> => {
      await this.#giveBack();
      const erased = await this.#store.erase(erasure, decision, this.#now());
      for (const name of Object.keys(sum) as (keyof Erased)[]) sum[name] += erased[name];
    };
    for (let from = 0; from < messageIds.length; from += LIMITS.eraseStepMax) {
      await step({ ...NOTHING, messageIds: messageIds.slice(from, from + LIMITS.eraseStepMax) });
    }
    // This step records the decision, also if nothing was found.
    await step(rest);
    return sum;
  }

  async #messagesOf(run: RunKey): Promise<string[]> {
    const ids: string[] = [];
    let after: string | undefined;
    do {
      const page = await this.#store.messages({ run }, { limit: LIMITS.pageItemsMax, ...(after && { after }) });
      ids.push(...page.items.map(({ id }) => id));
      after = page.next;
    } while (after !== undefined);
    return ids;
  }

  /** Returns the runs of messages, as named by their events. */
  async #runsOf(messageIds: readonly string[]): Promise<RunKey[]> {
    const runs = new Map<string, RunKey>();
    for (const messageId of messageIds) {
      await this.#eachEvent({ messageId }, ({ source, data }) => {
        const { run } = eventFacts(data);
        if (run)
          runs.set(`${source} ${run.account.id} ${run.id}`, { source, accountId: run.account.id, runId: run.id });
      });
    }
    return [...runs.values()];
  }

  /** Returns the events without a message that are about a run. */
  async #eventsAloneOf(key: RunKey): Promise<string[]> {
    const ids: string[] = [];
    await this.#eachEvent({ withoutMessage: true }, ({ id, source, data }) => {
      const { run } = eventFacts(data);
      if (run && isRun({ source, run }, key)) ids.push(id);
    });
    return ids;
  }

  /** Returns the events that quote runs: joined events of a fan-in, and dead letters about these events. */
  async #eventsQuoting(runs: readonly RunKey[]): Promise<string[]> {
    const ids = new Set<string>();
    if (runs.length === 0) return [];
    await this.#eachEvent({ type: RUNS_JOINED_EVENT_TYPE }, ({ id, data }) => {
      const { runs: joined = [] } = eventFacts(data);
      if (joined.some((one) => runs.some((key) => isRun(one, key)))) ids.add(id);
    });
    if (ids.size === 0) return [];
    await this.#eachEvent({ type: DEAD_LETTER_EVENT_TYPE }, ({ id, data }) => {
      const { deadLetter } = eventFacts(data);
      if (deadLetter && ids.has(deadLetter.eventId)) ids.add(id);
    });
    return [...ids];
  }

  async #eachEvent(filter: StoredEventFilter, visit: (event: EventSummary) => void): Promise<void> {
    let after: string | undefined;
    do {
      const page: Page<EventSummary> = await this.#store.events(filter, {
        limit: LIMITS.pageItemsMax,
        ...(after && { after }),
      });
      page.items.forEach(visit);
      after = page.next;
    } while (after !== undefined);
  }
}
