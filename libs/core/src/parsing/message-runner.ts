import { isStoreUnavailableError } from '../errors.js';
import { LIMITS } from '../limits.js';
import type { Claim, ClaimedMessage, MessageClaim } from '../store/claim.js';
import type { OnEvents, Recorded } from '../store/recording.js';
import type { Store } from '../store/store.js';
import { timers } from '../time/timers.js';
import type { MessageLog } from './message-log.js';
import type { MessageParser, ParsedMessage } from './message-parser.js';

/** Options for a message runner. */
export interface MessageRunnerOptions {
  readonly store: Store;
  /** Names of the sources whose messages this process parses. */
  readonly sources: readonly string[];
  readonly parser: MessageParser;
  readonly log: MessageLog;
  /** Called with the events a message added. */
  readonly onEvents?: OnEvents;
}

/** Claims stored messages, parses them, and records the results together. */
export class MessageRunner {
  readonly #options: MessageRunnerOptions;
  /** Source of the message claimed last, so that the others come first next time. */
  #lastSource: Pick<MessageClaim, 'after'> = {};
  /** Ids of messages that were parsed to the end while the store failed: if they come again, parsing is not to blame. */
  readonly #unrecorded = new Set<string>();

  constructor(options: MessageRunnerOptions) {
    this.#options = options;
  }

  /** Parses the messages that are due and records the results. Returns how many it claimed. */
  async runDue(claim: Claim): Promise<number> {
    const { store, sources } = this.#options;
    const messages = await store.claimMessages({ ...claim, sources, ...this.#lastSource });
    if (messages.length === 0) return 0;
    this.#lastSource = { after: messages.at(-1)?.source ?? '' };
    const recordings = await this.#parseInTurns(messages, claim);
    const recorded = await this.#record(messages, recordings, claim.now);
    recorded.forEach((result, index) => this.#report(messages[index], recordings[index], result));
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
      // Any other error is caused by one of the messages.
      if (isStoreUnavailableError(error)) for (const { id } of messages) this.#unrecorded.add(id);
      throw error;
    }
  }

  /** Many messages that each take long to parse must not block the event loop together. */
  async #parseInTurns(messages: readonly ClaimedMessage[], claim: Claim): Promise<ParsedMessage[]> {
    const recordings: ParsedMessage[] = [];
    let turnEndsAt = timers.monotonicMs() + LIMITS.parseTurnMs;
    for (const message of messages) {
      if (timers.monotonicMs() >= turnEndsAt) {
        await timers.turn();
        turnEndsAt = timers.monotonicMs() + LIMITS.parseTurnMs;
      }
      recordings.push(this.#parse(message, claim));
    }
    return recordings;
  }

  /** A message whose parsing was started before has since been claimed alone, so only that message can have ended the process. */
  #parse(message: ClaimedMessage, { lease, now }: Claim): ParsedMessage {
    const isFatal = message.claims > LIMITS.parseClaimsMax && !this.#unrecorded.has(message.id);
    const { parser } = this.#options;
    return isFatal ? parser.giveUp(message, lease, now) : parser.parse(message, lease, now);
  }

  #report(message: ClaimedMessage | undefined, recording: ParsedMessage | undefined, result: Recorded): void {
    if (!message || !recording || !result.recorded) return;
    this.#options.log.recorded(message, recording, result);
    if (!message.withoutHandlers) this.#options.onEvents?.(result.events, message);
  }
}
