import type { Entry, Store, TaskEvaluation } from 'nestjs-runhooks/core';

/** Limit of one claim. A small one spreads the work of many messages over processes. */
const CLAIM_MAX = 2;

/**
 * Records in which order several stores decided messages and tasks. Decisions under one lock are made one after the
 * other, so the order shows what each decision had to know.
 */
export class DecidedOrder {
  readonly #messages = new Map<string, number>();
  readonly #tasks = new Map<string, number>();
  readonly #stores = new Set<Store>();
  #count = 0;

  /** Returns how many of the stores decided anything. */
  get stores(): number {
    return this.#stores.size;
  }

  /** Ids of the recorded messages, first to last. */
  get messages(): string[] {
    return inOrder(this.#messages);
  }

  /** Ids of the evaluated tasks, first to last. */
  get tasks(): string[] {
    return inOrder(this.#tasks);
  }

  readonly wrap = (store: Store): Store =>
    new Proxy(store, {
      get: (target, verb: keyof Store) => {
        const member: unknown = Reflect.get(target, verb, target);
        if (verb === 'record') return this.#record(target);
        if (verb === 'evaluate') return this.#evaluate(target);
        if (verb === 'claimMessages' || verb === 'claimTasks') {
          return (claim: { limit: number }) => target[verb]({ ...claim, limit: CLAIM_MAX } as never);
        }
        return typeof member === 'function' ? (member.bind(target) as unknown) : member;
      },
    });

  #record(store: Store): Store['record'] {
    return async (entries, now) => {
      const watched = entries.map((entry): Entry => {
        if (!('messageId' in entry)) return entry;
        return {
          ...entry,
          decide: (known) => {
            this.#hear(store, this.#messages, entry.messageId);
            return entry.decide(known);
          },
        };
      });
      return await store.record(watched, now);
    };
  }

  #evaluate(store: Store): Store['evaluate'] {
    return async (evaluation, now) => {
      const watched: TaskEvaluation = {
        ...evaluation,
        decide: (known) => {
          this.#hear(store, this.#tasks, evaluation.taskId);
          return evaluation.decide(known);
        },
      };
      return await store.evaluate(watched, now);
    };
  }

  /** A decision may be made again, so its last position counts. */
  #hear(store: Store, order: Map<string, number>, id: string): void {
    this.#stores.add(store);
    this.#count += 1;
    order.set(id, this.#count);
  }
}

function inOrder(order: ReadonlyMap<string, number>): string[] {
  return [...order].sort(([, one], [, other]) => one - other).map(([id]) => id);
}
