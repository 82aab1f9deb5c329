import { isStoreUnavailableError } from '../errors.js';
import { LIMITS } from '../limits.js';
import type { OwnMessages } from '../receiver/own-messages.js';
import type { Claim, ClaimedDelivery, ClaimedMessage, MessageClaim } from '../store/claim.js';
import { DueHint } from '../store/due-hint.js';
import { NOT_RECORDED, type NewDelivery, type NewEvent, type OnEvents, type Recorded } from '../store/recording.js';
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
  /** Messages that this process has stored as already claimed. */
  readonly own: OwnMessages;
  /** Called with deliveries that were recorded as already claimed. */
  readonly onClaimed: (deliveries: readonly ClaimedDelivery[], claimedAt: Date) => void;
  /** Called when recordings have made work due in the store. */
  readonly onDue: () => void;
  /** Called with the events a message added. */
  readonly onEvents?: OnEvents;
}

/** Parses messages that this process has received, and messages that it claims, and records the results together. */
export class MessageRunner {
  readonly #options: MessageRunnerOptions;
  /** Whether unclaimed messages may be due. */
  readonly hint = new DueHint();
  /** Source of the message claimed last, so that the others come first next time. */
  #lastSource: Pick<MessageClaim, 'after'> = {};
  /** Ids of messages that were parsed to the end while the store failed: if they come again, parsing is not to blame. */
  readonly #unrecorded = new Set<string>();

  constructor(options: MessageRunnerOptions) {
    this.#options = options;
  }

  /** Parses the messages that are due and records the results. Returns how many. */
  async runDue(claim: Claim): Promise<number> {
    return (await this.#runOwn(claim)) + (await this.#runStored(claim));
  }

  async #runOwn(claim: Claim): Promise<number> {
    const { own } = this.#options;
    const kept = own.take(claim.limit);
    if (kept.length === 0) return 0;
    const messages = kept.map(({ message }) => message);
    const recorded = await this.#run(messages, { ...claim, lease: own.lease });
    // Those that were recorded after all have lost their lease, and are recorded once only.
    own.putBack(kept.filter((_, index) => isStoreUnavailableError(recorded[index]?.failure)));
    throwFailure(recorded);
    return kept.length;
  }

  async #runStored(claim: Claim): Promise<number> {
    const { store, sources, own } = this.#options;
    if (await own.giveBackLost()) this.hint.give();
    if (!this.hint.take()) return 0;
    own.beginClaim();
    const messages = await store.claimMessages({ ...claim, sources, ...this.#lastSource });
    if (messages.length === 0) own.caughtUp();
    if (messages.length === claim.limit) own.fellBehind();
    if (messages.length === 0) return 0;
    // Fewer than the limit need not be the last ones: a message that was begun before is claimed alone.
    this.hint.give();
    this.#lastSource = { after: messages.at(-1)?.source ?? '' };
    throwFailure(await this.#run(messages, claim));
    return messages.length;
  }

  /** Parses messages and records the results. Returns one result per message, with the failure of each that was not recorded. */
  async #run(messages: readonly ClaimedMessage[], claim: Claim): Promise<readonly Recorded[]> {
    this.#options.parser.begin();
    const recordings = await this.#parseInTurns(messages, claim);
    const recorded = await this.#record(messages, recordings, claim.now);
    recorded.forEach((result, index) => this.#report(messages[index], recordings[index], result, claim.now));
    if (recorded.some(({ failure }) => isStoreUnavailableError(failure))) this.#options.parser.recordingFailed();
    return recorded;
  }

  async #record(
    messages: readonly ClaimedMessage[],
    recordings: readonly ParsedMessage[],
    now: Date,
  ): Promise<readonly Recorded[]> {
    for (const { id } of messages) this.#unrecorded.delete(id);
    const recorded = await this.#recordedOrFailed(recordings, now);
    recordings.forEach(({ messageId }, index) => {
      // Any other error is caused by one of the messages.
      if (isStoreUnavailableError(recorded[index]?.failure)) this.#unrecorded.add(messageId);
    });
    return recorded;
  }

  async #recordedOrFailed(recordings: readonly ParsedMessage[], now: Date): Promise<readonly Recorded[]> {
    try {
      return await this.#options.store.record(recordings, now);
    } catch (failure) {
      return recordings.map(() => ({ ...NOT_RECORDED, failure }));
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

  #report(
    message: ClaimedMessage | undefined,
    recording: ParsedMessage | undefined,
    result: Recorded,
    now: Date,
  ): void {
    if (!message || !recording || !result.recorded) return;
    const { log, onEvents, onClaimed, onDue } = this.#options;
    const deliveries = result.events.flatMap((event) => claimedOf(event, message));
    if (deliveries.length > 0) onClaimed(deliveries, now);
    const isDue = ({ claim }: NewDelivery): boolean => claim === undefined;
    if (result.tasks.length > 0 || result.events.some((event) => event.deliveries.some(isDue))) onDue();
    log.recorded(message, recording, result);
    if (!message.withoutHandlers) onEvents?.(result.events, message, message);
  }
}

/** Throws a failure, if there is one: that of the store before one that a message has caused. */
function throwFailure(recorded: readonly Recorded[]): void {
  const failures = recorded.map(({ failure }) => failure).filter((failure) => failure !== undefined);
  if (failures.length > 0) throw failures.find(isStoreUnavailableError) ?? failures[0];
}

/** Returns the deliveries of a new event that were recorded as already claimed. */
function claimedOf({ id, type, data, deliveries }: NewEvent, message: ClaimedMessage): ClaimedDelivery[] {
  const { source, provider, id: messageId } = message;
  const event = { id, type, provider, source, messageId, data };
  return deliveries.flatMap(({ id: deliveryId, handlerId, claim }) =>
    claim
      ? [{ id: deliveryId, handlerId, attempt: 1, attemptsBefore: 0, replayId: '', lease: claim.lease, event, message }]
      : [],
  );
}
