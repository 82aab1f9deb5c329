import { isStoreUnavailableError } from '../errors.js';
import { LIMITS } from '../limits.js';
import type { Claim, ClaimedMessage, MessageClaim } from '../store/claim.js';
import type { EventAnnouncer } from '../store/event-announcer.js';
import type { Recorded } from '../store/recording.js';
import type { Store } from '../store/store.js';
import { timers } from '../timers.js';
import type { MessageLog } from './message-log.js';
import type { MessageParser, ParsedMessage } from './message-parser.js';

export interface MessageRunnerOptions {
  readonly store: Store;
  /** Names of the sources whose messages are read here. */
  readonly sources: readonly string[];
  readonly parser: MessageParser;
  readonly announcer: EventAnnouncer;
  readonly log: MessageLog;
}

/** Claims stored messages, reads them, and records together what follows from them. */
export class MessageRunner {
  readonly #options: MessageRunnerOptions;
  /** The source that the last message claimed here is of: others have their turn first. */
  #lastSource: Pick<MessageClaim, 'after'> = {};
  /** Messages that were read here to the end: if they come again, it was the store that failed. */
  readonly #unrecorded = new Set<string>();

  constructor(options: MessageRunnerOptions) {
    this.#options = options;
  }

  /** Reads the messages that are due and records what follows from them. Returns how many it claimed. */
  async runDue(claim: Claim): Promise<number> {
    const { store, sources } = this.#options;
    const messages = await store.claimMessages({ ...claim, sources, ...this.#lastSource });
    if (messages.length === 0) return 0;
    this.#lastSource = { after: messages.at(-1)?.source ?? '' };
    const recordings = await this.#parseInTurns(messages, claim);
    const recorded = await this.#record(messages, recordings, claim.now);
    recorded.forEach((result, index) => this.#told(messages[index], recordings[index], result));
    return messages.length;
  }

  async #record(
    messages: readonly ClaimedMessage[],
    recordings: readonly ParsedMessage[],
    now: Date,
  ): Promise<Recorded[]> {
    for (const { id } of messages) this.#unrecorded.delete(id);
    try {
      return await this.#options.store.record(recordings, now);
    } catch (error) {
      // Any other error is about one of the messages, and that one has nothing to excuse it.
      if (isStoreUnavailableError(error)) for (const { id } of messages) this.#unrecorded.add(id);
      throw error;
    }
  }

  /** Many messages that each take long to read must not hold up the event loop together. */
  async #parseInTurns(messages: readonly ClaimedMessage[], claim: Claim): Promise<ParsedMessage[]> {
    const recordings: ParsedMessage[] = [];
    let turnEndsAt = timers.monotonicMs() + LIMITS.parseTurnMs;
    for (const message of messages) {
      if (timers.monotonicMs() >= turnEndsAt) {
        await timers.turn();
        turnEndsAt = timers.monotonicMs() + LIMITS.parseTurnMs;
      }
      recordings.push(this.#options.announcer.watched(this.#parse(message, claim)));
    }
    return recordings;
  }

  /** A message whose reading was begun before was taken alone since then, so that nothing else ended the process. */
  #parse(message: ClaimedMessage, { lease, now }: Claim): ParsedMessage {
    const diesOf = message.claims > LIMITS.parseClaimsMax && !this.#unrecorded.has(message.id);
    const { parser } = this.#options;
    return diesOf ? parser.giveUp(message, lease, now) : parser.parse(message, lease, now);
  }

  #told(message: ClaimedMessage | undefined, recording: ParsedMessage | undefined, result: Recorded): void {
    if (!message || !recording || !result.recorded) return;
    this.#options.log.recorded(message, recording, result);
    if (message.withoutHandlers) return;
    const isNew = new Set(result.eventIds);
    const { announcer } = this.#options;
    const events = announcer.eventsOf(recording).filter(({ id }) => isNew.has(id));
    announcer.announce(events, message);
  }
}
