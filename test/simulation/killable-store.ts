import { StoreUnavailableError, type Logger, type Store, type StoreFactory } from 'nestjs-runhooks/core';

/** Parts of a store with calls of their own. */
const PARTS: readonly (string | symbol)[] = ['rounds', 'results', 'actions'];

/**
 * Connection of one process to the inbox, which can be cut between any two steps. From then on nothing of the process
 * reaches the inbox, and its leases stay, as after a SIGKILL.
 */
export class KillableStore implements StoreFactory {
  readonly #factory: StoreFactory;
  #callsLeft = Infinity;
  #isCutAfter = false;
  #cutPart: string | undefined;
  #isCut = false;
  #cut: () => void = () => undefined;
  #store: Store | undefined;
  /** Resolves when the connection has been cut. */
  readonly died: Promise<void>;

  constructor(factory: StoreFactory) {
    this.#factory = factory;
    this.died = new Promise((resolve) => (this.#cut = resolve));
  }

  get isDead(): boolean {
    return this.#isCut;
  }

  createStore(logger: Logger): Store {
    this.#store = this.#factory.createStore(logger);
    return this.#guarded(this.#store);
  }

  /**
   * Cuts the connection at one of the next calls.
   *
   * @param calls number of calls before it
   * @param isCutAfter whether the inbox still executes that call, and only its result is lost
   * @param part counts only calls of this part of the store, for example `actions`
   */
  cutAt(calls: number, isCutAfter: boolean, part?: string): void {
    this.#callsLeft = calls;
    this.#isCutAfter = isCutAfter;
    this.#cutPart = part;
  }

  /** Takes back a cut that has not happened yet. */
  spare(): void {
    this.#callsLeft = Infinity;
  }

  /** Cuts the connection now. */
  cut(): void {
    this.#isCut = true;
    this.#cut();
  }

  /** Releases what a process would have lost with its end: files and connections. */
  async release(): Promise<void> {
    await this.#store?.close();
  }

  #guarded<T extends object>(port: T, part?: string): T {
    return new Proxy(port, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name, target);
        if (typeof value === 'function') {
          return (...args: unknown[]) =>
            this.#call(() => Reflect.apply(value, target, args) as unknown, String(name), part);
        }
        const isPart = PARTS.includes(name) && typeof value === 'object' && value !== null;
        return isPart ? this.#guarded(value, String(name)) : value;
      },
    });
  }

  #call(call: () => unknown, name: string, part: string | undefined): unknown {
    if (this.#isCut) return name === 'close' ? Promise.resolve() : this.#lost();
    const isCounted = this.#cutPart === undefined || this.#cutPart === part;
    if (isCounted && this.#callsLeft === 0 && !this.#isCutAfter) {
      this.cut();
      return this.#lost();
    }
    if (isCounted) this.#callsLeft -= 1;
    const result = call();
    if (this.#callsLeft < 0) this.cut();
    return result instanceof Promise ? result.then((value: unknown) => (this.#isCut ? this.#lost() : value)) : result;
  }

  #lost(): Promise<never> {
    return Promise.reject(new StoreUnavailableError('this process was killed'));
  }
}
