import {
  rowsOf,
  isStoreUnavailableError,
  type Appended,
  type AttemptSummary,
  type AuditEntry,
  type ClaimedDelivery,
  type ClaimedMessage,
  type ClaimedTask,
  type DeliverySummary,
  type DueDelivery,
  type Erased,
  type EventSummary,
  type InboxCounts,
  type JobState,
  type MessageDetail,
  type MessageSummary,
  type NewMessage,
  type Page,
  type ProcessSummary,
  type PulledBack,
  type Purged,
  type Recorded,
  type RunSummary,
  type Store,
  type MissingHandler,
  type NewEvent,
} from 'nestjs-runhooks/core';
import type { SqlDialect } from './schema/dialect.js';
import { inboxOperations } from './operations.js';
import type { Transaction } from './schema/statement.js';

export type Arguments<Verb extends keyof Store> = Store[Verb] extends (...args: infer A) => unknown ? A : never;

/** The verbs of an inbox in SQL. What is left to an engine is how it runs a transaction. */
export abstract class SqlStore implements Store {
  protected readonly operations: ReturnType<typeof inboxOperations>;

  protected constructor(dialect: SqlDialect) {
    this.operations = inboxOperations(dialect);
  }

  abstract readonly description: string;
  abstract open(): Promise<void>;
  abstract close(): Promise<void>;

  /** Durable when it resolves. Rejects with {@link StoreUnavailableError} if the engine failed: then the effect is unknown. */
  protected abstract write<T>(begin: () => Transaction<T>): Promise<T>;
  protected abstract read<T>(begin: () => Transaction<T>): Promise<T>;

  /** Stores one message by itself; one that the engine refuses for what is in it is kept as bytes. */
  protected async appendBy(
    write: (begin: () => Transaction<Appended>) => Promise<Appended>,
    message: NewMessage,
  ): Promise<Appended> {
    try {
      return await write(() => this.operations.append(message, { state: 'stored' }));
    } catch (error) {
      if (isStoreUnavailableError(error)) throw error;
      // Something in this row; what is certain to fit are its bytes.
      const reason = 'the inbox could not store the headers or the id of this message, only its body';
      const bytes = { ...message, headers: {}, messageKey: '' };
      return await write(() => this.operations.append(bytes, { state: 'quarantined', reason }));
    }
  }

  /** A write that may make something due. */
  protected writeWork<T>(begin: () => Transaction<T>): Promise<T> {
    return this.write(begin);
  }

  /** Called once removals are over: what they removed must not be found in the files of the inbox either, if the engine can do that. */
  protected forgetRemoved(): void {}

  append(message: NewMessage): Promise<Appended> {
    return this.appendBy((begin) => this.writeWork(begin), message);
  }

  countRefusals(...args: Arguments<'countRefusals'>): Promise<readonly string[]> {
    return this.write(() => this.operations.countRefusals(...args));
  }

  register(...args: Arguments<'register'>): Promise<Date | undefined> {
    return this.write(() => this.operations.register(...args));
  }

  async deregister(...args: Arguments<'deregister'>): Promise<void> {
    await this.write(() => this.operations.deregister(...args));
  }

  nextDueAt(...args: Arguments<'nextDueAt'>): Promise<Date | undefined> {
    return this.read(() => this.operations.nextDueAt(...args));
  }

  claimMessages(...args: Arguments<'claimMessages'>): Promise<ClaimedMessage[]> {
    return this.write(() => this.operations.claimMessages(...args));
  }

  async record(...[recordings, now]: Arguments<'record'>): Promise<Recorded[]> {
    const writes = recordings.map((recording) => this.writeWork(() => this.operations.record(recording, now)));
    // Even where one fails, none is still under way when the answer is given.
    await Promise.allSettled(writes);
    return Promise.all(writes);
  }

  claimDeliveries(...args: Arguments<'claimDeliveries'>): Promise<ClaimedDelivery[]> {
    return this.write(() => this.operations.claimDeliveries(...args));
  }

  dueDeliveries(...args: Arguments<'dueDeliveries'>): Promise<DueDelivery[]> {
    return this.read(() => this.operations.dueDeliveries(...args));
  }

  renew(...args: Arguments<'renew'>): Promise<string[]> {
    return this.write(() => this.operations.renew(...args));
  }

  settle(...args: Arguments<'settle'>): Promise<boolean> {
    return this.writeWork(() => this.operations.settle(...args));
  }

  claimTasks(...args: Arguments<'claimTasks'>): Promise<ClaimedTask[]> {
    return this.write(() => this.operations.claimTasks(...args));
  }

  evaluate(...args: Arguments<'evaluate'>): Promise<readonly NewEvent[] | false> {
    return this.writeWork(() => this.operations.evaluate(...args));
  }

  redrive(...args: Arguments<'redrive'>): Promise<number> {
    return this.writeWork(() => this.operations.redrive(...args));
  }

  dismiss(...args: Arguments<'dismiss'>): Promise<number> {
    return this.write(() => this.operations.dismiss(...args));
  }

  replay(...args: Arguments<'replay'>): Promise<number> {
    return this.writeWork(() => this.operations.replay(...args));
  }

  reparse(...args: Arguments<'reparse'>): Promise<number> {
    return this.writeWork(() => this.operations.reparse(...args));
  }

  async erase(...args: Arguments<'erase'>): Promise<Erased> {
    const erased = await this.write(() => this.operations.erase(...args));
    this.forgetRemoved();
    return erased;
  }

  async purge(...args: Arguments<'purge'>): Promise<Purged> {
    const removed = await this.write(() => this.operations.purge(...args));
    // Not after each of many steps: that would make every one of them take twice as long.
    if (rowsOf(removed) < args[0].limit || removed.heldBackBy) this.forgetRemoved();
    return removed;
  }

  audit(...args: Arguments<'audit'>): Promise<Page<AuditEntry>> {
    return this.read(() => this.operations.audit(...args));
  }

  messagesHolding(...args: Arguments<'messagesHolding'>): Promise<Page<string>> {
    return this.read(() => this.operations.messagesHolding(...args));
  }

  pullBack(...args: Arguments<'pullBack'>): Promise<PulledBack> {
    return this.write(() => this.operations.pullBack(...args));
  }

  messages(...args: Arguments<'messages'>): Promise<Page<MessageSummary>> {
    return this.read(() => this.operations.messages(...args));
  }

  message(...args: Arguments<'message'>): Promise<MessageDetail | undefined> {
    return this.read(() => this.operations.message(...args));
  }

  events(...args: Arguments<'events'>): Promise<Page<EventSummary>> {
    return this.read(() => this.operations.events(...args));
  }

  deliveries(...args: Arguments<'deliveries'>): Promise<Page<DeliverySummary>> {
    return this.read(() => this.operations.deliveries(...args));
  }

  attempts(...args: Arguments<'attempts'>): Promise<AttemptSummary[]> {
    return this.read(() => this.operations.attempts(...args));
  }

  runs(...args: Arguments<'runs'>): Promise<Page<RunSummary>> {
    return this.read(() => this.operations.runs(...args));
  }

  run(...args: Arguments<'run'>): Promise<RunSummary | undefined> {
    return this.read(() => this.operations.run(...args));
  }

  job(...args: Arguments<'job'>): Promise<JobState | undefined> {
    return this.read(() => this.operations.job(...args));
  }

  counts(): Promise<InboxCounts> {
    return this.read(() => this.operations.counts());
  }

  processes(...args: Arguments<'processes'>): Promise<ProcessSummary[]> {
    return this.read(() => this.operations.processes(...args));
  }

  missingHandlers(...args: Arguments<'missingHandlers'>): Promise<MissingHandler[]> {
    return this.read(() => this.operations.missingHandlers(...args));
  }
}
