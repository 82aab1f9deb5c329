import { StoreUnavailableError, type Store } from 'nestjs-runhooks/core';

/** A real store with a switch: while it is off, the verbs named (all, if none is) fail without reaching it, and are counted. */
export class FailingStore {
  readonly store: Store;
  readonly calls: string[] = [];
  /** Makes the error of a verb that fails. */
  error = (): unknown => new StoreUnavailableError('the disk is full');
  /** Whether the effect of a failing verb happens nevertheless: "unknown" is either. */
  afterEffect = false;
  /** Called with what a verb answers, before the answer is given. */
  answering: (verb: string, result: unknown) => unknown = () => undefined;
  #failing: ReadonlySet<string> = new Set();

  constructor(store: Store) {
    this.store = new Proxy(store, {
      get: (target, verb: string) => {
        const member: unknown = Reflect.get(target, verb, target);
        if (typeof member !== 'function') return member;
        return async (...args: unknown[]): Promise<unknown> => {
          this.calls.push(verb);
          const fails = this.#failing.has(verb) || this.#failing.has('all');
          if (fails && !this.afterEffect) throw this.error();
          const result: unknown = await (member as (...args: unknown[]) => unknown).apply(target, args);
          if (fails) throw this.error();
          await this.answering(verb, result);
          return result;
        };
      },
    });
  }

  fail(...verbs: (keyof Store)[]): void {
    this.#failing = new Set(verbs.length > 0 ? verbs : ['all']);
  }

  work(): void {
    this.#failing = new Set();
  }

  countOf(verb: keyof Store): number {
    return this.calls.filter((call) => call === verb).length;
  }
}
