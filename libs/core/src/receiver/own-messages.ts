import { LIMITS } from '../limits.js';
import { restoreMessage } from '../sources/message.js';
import type { ClaimedMessage, OwnClaim } from '../store/claim.js';
import { LostClaims } from '../store/lost-claims.js';
import type { StoreGuard } from '../store/store-guard.js';
import type { NewMessage } from '../store/new-message.js';
import type { Store } from '../store/store.js';
import type { Clock } from '../time/clock.js';

/** Options for the messages of a process. */
export interface OwnMessagesOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly guard: StoreGuard;
  /** Token of all claims that this process makes of its own work. */
  readonly lease: string;
}

/** A message that waits to be parsed, with the end of its lease. */
export interface KeptMessage {
  readonly message: ClaimedMessage;
  readonly untilMs: number;
}

/**
 * Messages that this process has received and stored as already claimed, and has not parsed yet. They are in the store like
 * any other message: if the process dies, another one parses them.
 *
 * Messages are claimed only while a worker in this process keeps up. Otherwise they are stored unclaimed, and claimed in
 * their order with those of other processes.
 */
export class OwnMessages {
  readonly lease: string;
  readonly #options: OwnMessagesOptions;
  /** Messages by source: sources take turns. */
  readonly #kept = new Map<string, KeptMessage[]>();
  #count = 0;
  #bytes = 0;
  /** Messages that are being recorded. They keep their room, because they can be put back. */
  #taken = { count: 0, bytes: 0 };
  /** Messages that are, or may be, stored with a claim, and that this process does not parse. */
  readonly #lost: LostClaims;
  #isOpen = false;
  #isBehind = true;
  /** Messages that this process is storing unclaimed. */
  #unclaimed = 0;
  /** Whether messages became unclaimed since the store was last asked for unclaimed ones: the answer may lack them. */
  #isMissed = false;
  #until: OwnClaim | undefined;
  #sourcesLeft: readonly string[] = [];

  constructor(options: OwnMessagesOptions) {
    this.#options = options;
    this.lease = options.lease;
    this.#lost = new LostClaims({ ...options, kind: 'messageIds' });
  }

  /** Number of messages that wait to be parsed, or are being stored. */
  get count(): number {
    return this.#count;
  }

  /** Whether messages wait to be parsed, or to be given back by {@link giveBackLost}. */
  get isWaiting(): boolean {
    return this.#kept.size > 0 || this.#lost.count > 0;
  }

  /** Sources with messages that were kept before the last {@link take}, which had no room for them. */
  get sourcesLeft(): readonly string[] {
    return this.#sourcesLeft;
  }

  /** Called when a worker starts, if the store supports these claims. */
  open(): void {
    this.#isOpen = this.#options.store.release !== undefined;
  }

  /** Called before the store is asked for unclaimed messages. */
  beginClaim(): void {
    this.#isMissed = false;
  }

  /**
   * Notes that the store had no unclaimed messages. It counts only if none was being stored or given back since
   * {@link beginClaim}, and if no lost message can become unclaimed any more.
   */
  caughtUp(): void {
    if (this.#unclaimed === 0 && !this.#isMissed && this.#lost.count === 0) this.#isBehind = false;
  }

  /** Notes that unclaimed messages wait in the store. None that is received later may be parsed before them. */
  fellBehind(): void {
    this.#isBehind = true;
  }

  /** Called before a message without a claim is stored. */
  beginUnclaimed(): void {
    this.#unclaimed += 1;
  }

  /** Called after a message without a claim was stored, or could not be. */
  endUnclaimed(): void {
    this.#unclaimed -= 1;
    this.#isMissed = true;
  }

  /** Returns the claim for a message that is about to be stored. Then call {@link keep} or {@link forget}. */
  claimFor({ length }: Uint8Array, now: Date): OwnClaim | undefined {
    const { count, bytes } = this.#taken;
    const hasRoom =
      this.#count + count < LIMITS.ownMessagesMax && this.#bytes + bytes + length <= LIMITS.ownMessagesBytesMax;
    if (!this.#isOpen || this.#isBehind) return undefined;
    if (!hasRoom) {
      this.#isBehind = true;
      return undefined;
    }
    this.#count += 1;
    this.#bytes += length;
    const untilMs = now.getTime() + LIMITS.leaseMs;
    if (this.#until?.until.getTime() !== untilMs) this.#until = { lease: this.lease, until: new Date(untilMs) };
    return this.#until;
  }

  /** Takes over a message that was stored with a claim, and its body, which must not change any more. */
  keep(message: NewMessage, claim: OwnClaim): void {
    if (!this.#isOpen) {
      this.forget(message.body);
      this.#lost.add(message.id, claim.until.getTime());
      this.#giveBack();
      return;
    }
    const { claim: _, ...stored } = message;
    const claimed = { ...restoreMessage({ ...stored, state: 'stored' }), claims: 1, withoutHandlers: false };
    this.#keptOf(message.source).push({ message: claimed, untilMs: claim.until.getTime() });
  }

  /** Called after taken messages were recorded. Keeps again those that could not be, in front of all others. */
  putBack(messages: readonly KeptMessage[]): void {
    this.#taken = { count: 0, bytes: 0 };
    if (messages.length === 0) return;
    if (!this.#isOpen) {
      this.#lose(messages);
      this.#giveBack();
      return;
    }
    for (const kept of [...messages].reverse()) {
      this.#count += 1;
      this.#bytes += kept.message.body.length;
      this.#keptOf(kept.message.source).unshift(kept);
    }
  }

  /** Forgets a message with this body: it was a duplicate, or it is unknown whether it was stored. */
  forget({ length }: Uint8Array): void {
    this.#count -= 1;
    this.#bytes -= length;
  }

  /** Notes that it is unknown whether a message was stored with this claim. Then call {@link forget}, too. */
  lose(id: string, claim: OwnClaim): void {
    this.#lost.addUnsure(id, claim.until.getTime());
    this.#isBehind = true;
    if (!this.#isOpen) this.#giveBack();
  }

  /**
   * Gives back messages that could not be given back before, and those that may be stored with a claim although the store has
   * failed. Returns whether it did. Rejects if the store fails.
   */
  async giveBackLost(): Promise<boolean> {
    const isReleased = await this.#lost.releaseDue();
    if (isReleased) this.#isMissed = true;
    return isReleased;
  }

  /** Takes at most `limit` messages, one of each source in turn. Those whose lease ends soon are given back. */
  take(limit: number): KeptMessage[] {
    const lastsUntilMs = this.#options.clock.now().getTime() + LIMITS.leaseMs / 3;
    const taken: KeptMessage[] = [];
    const late: KeptMessage[] = [];
    // A source that was served moves to the end, where the loop comes to it again.
    for (const [source, kept] of this.#kept) {
      if (taken.length >= limit) break;
      this.#kept.delete(source);
      const next = kept.shift();
      if (!next) continue;
      if (kept.length > 0) this.#kept.set(source, kept);
      this.forget(next.message.body);
      if (next.untilMs >= lastsUntilMs) taken.push(next);
      else late.push(next);
    }
    const bytes = taken.reduce((sum, { message }) => sum + message.body.length, 0);
    this.#taken = { count: taken.length, bytes };
    this.#sourcesLeft = [...this.#kept.keys()];
    if (late.length > 0) {
      this.#lose(late);
      this.#giveBack();
    }
    return taken;
  }

  /** Stores no more messages as claimed, and gives back those that wait. */
  async close(): Promise<void> {
    this.#isOpen = false;
    for (const kept of this.#kept.values()) {
      for (const { message } of kept) this.forget(message.body);
      this.#lose(kept);
    }
    this.#kept.clear();
    await this.#release();
  }

  #keptOf(source: string): KeptMessage[] {
    const kept = this.#kept.get(source) ?? [];
    this.#kept.set(source, kept);
    return kept;
  }

  #lose(messages: readonly KeptMessage[]): void {
    for (const { message, untilMs } of messages) this.#lost.add(message.id, untilMs);
    this.#isBehind = true;
  }

  #giveBack(): void {
    void this.#release();
  }

  async #release(): Promise<void> {
    if (this.#lost.count === 0) return;
    await this.#options.guard.write(() => this.#lost.release(), undefined);
    this.#isMissed = true;
  }
}
