import type { EntryAccess } from './recording/entry-access.js';
import type { SqlDialect } from './schema/dialect.js';
import type { Transaction } from './schema/statement.js';

type Operation<Args extends unknown[], T> = (...args: Args) => Transaction<T>;
type Verb<Args extends unknown[], T> = (...args: Args) => Promise<T>;

/** An engine: how it runs a transaction, and how an operation becomes a verb of the store. */
export abstract class SqlEngine {
  protected constructor(
    protected readonly dialect: SqlDialect,
    protected readonly entries: EntryAccess,
  ) {}

  /**
   * Runs a transaction that is durable when this resolves. Rejects with `StoreUnavailableError` if the engine failed:
   * its effect is then unknown.
   */
  protected abstract write<T>(begin: () => Transaction<T>): Promise<T>;
  protected abstract read<T>(begin: () => Transaction<T>): Promise<T>;

  /** Runs a write that may make something due. */
  protected writeWork<T>(begin: () => Transaction<T>): Promise<T> {
    return this.write(begin);
  }

  protected reading<Args extends unknown[], T>(operation: Operation<Args, T>): Verb<Args, T> {
    return (...args) => this.read(() => operation(...args));
  }

  protected writing<Args extends unknown[], T>(operation: Operation<Args, T>): Verb<Args, T> {
    return (...args) => this.write(() => operation(...args));
  }

  protected writingWork<Args extends unknown[], T>(operation: Operation<Args, T>): Verb<Args, T> {
    return (...args) => this.writeWork(() => operation(...args));
  }
}
