import { StoreUnavailableError, type Entry, type Store } from 'nestjs-runhooks/core';

type Verb = keyof Store | 'settle';

/**
 * A real store with a switch. While it is off, the named verbs (all verbs if none is named) fail without reaching the
 * store and are counted. A `record` of attempts is called `settle`.
 */
export class FailingStore {
  readonly store: Store;
  readonly calls: string[] = [];
  /** Creates the error of a failing verb. */
  error = (): unknown => new StoreUnavailableError('the disk is full');
  /** Runs the verb before it fails. A real store may or may not have written before it fails. */
  afterEffect = false;
  /** Called with the result of a verb before it is returned. */
  beforeReturn: (verb: string, result: unknown) => unknown = () => undefined;
  #failing: ReadonlySet<string> = new Set();

  constructor(store: Store) {
    this.store = new Proxy(store, {
      get: (target, property: string) => {
        const member: unknown = Reflect.get(target, property, target);
        if (typeof member !== 'function') return member;
        return async (...args: unknown[]): Promise<unknown> => {
          const verb = property === 'record' && isOfAttempts(args[0] as readonly Entry[]) ? 'settle' : property;
          this.calls.push(verb);
          const fails = this.#failing.has(verb) || this.#failing.has('all');
          if (fails && !this.afterEffect) throw this.error();
          const result: unknown = await (member as (...args: unknown[]) => unknown).apply(target, args);
          if (fails) throw this.error();
          await this.beforeReturn(verb, result);
          return result;
        };
      },
    });
  }

  fail(...verbs: Verb[]): void {
    this.#failing = new Set(verbs.length > 0 ? verbs : ['all']);
  }

  work(): void {
    this.#failing = new Set();
  }

  countOf(verb: Verb): number {
    return this.calls.filter((call) => call === verb).length;
  }
}

function isOfAttempts(entries: readonly Entry[]): boolean {
  return entries.some((entry) => 'deliveryId' in entry);
}
