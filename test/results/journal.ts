import type { ResultStore, RunKey, Store, StoreFactory } from 'nestjs-runhooks/core';
import { withMembers } from '../simulation/with-members.js';

/** What an inbox did with the results of a run, in the order in which it did it. */
export type JournalEntry = {
  readonly runId: string;
  readonly source: string;
  readonly scope?: string;
} & (
  | {
      readonly kind: 'saved';
      /** Whether the inbox began to save, or had saved. In between it decides when others see it. */
      readonly moment: 'before' | 'after';
    }
  | { readonly kind: 'step'; readonly nodeIds: readonly string[]; readonly at: Date; readonly isLast: boolean }
);

/** What the inboxes of all processes did with results. */
export class Journal {
  readonly entries: JournalEntry[] = [];
  readonly #now: () => Date;

  constructor(now: () => Date) {
    this.#now = now;
  }

  /** Returns an inbox whose work is written to the journal. Steps of one scope are in the order of their transactions. */
  watch(factory: StoreFactory): StoreFactory {
    return {
      createStore: (logger) => {
        const store = factory.createStore(logger);
        const { results } = store;
        if (!results) throw new Error('the inbox keeps no results');
        return withMembers<Store>(store, { results: this.#watched(results) });
      },
    };
  }

  #watched(results: ResultStore): ResultStore {
    const save: ResultStore['save'] = async (held, found, now) => {
      const about = aboutOf(found.run, found.scope);
      // Saving an unread run tells others nothing about nodes.
      const isRead = found.content.state !== 'unread';
      if (isRead) this.entries.push({ ...about, kind: 'saved', moment: 'before' });
      const saved = await results.save(held, found, now);
      if (isRead && saved !== undefined) this.entries.push({ ...about, kind: 'saved', moment: 'after' });
      return saved;
    };
    const recordNodes: ResultStore['recordNodes'] = async (held, step, now) => {
      let entry: JournalEntry | undefined;
      const recorded = await results.recordNodes(
        held,
        {
          ...step,
          decide: (known) => {
            // A transaction that starts over decides again.
            this.#forget(entry);
            const { nodeIds, isLast = false } = step;
            entry = { ...aboutOf(step.run, step.scope), kind: 'step', nodeIds, at: this.#now(), isLast };
            this.entries.push(entry);
            return step.decide(known);
          },
        },
        now,
      );
      if (recorded === undefined) this.#forget(entry);
      return recorded;
    };
    return withMembers(results, { save, recordNodes });
  }

  #forget(entry: JournalEntry | undefined): void {
    const index = entry === undefined ? -1 : this.entries.lastIndexOf(entry);
    if (index >= 0) this.entries.splice(index, 1);
  }
}

function aboutOf(
  { runId, source }: RunKey,
  scope: string | undefined,
): Pick<JournalEntry, 'runId' | 'source' | 'scope'> {
  return { runId, source, ...(scope !== undefined && { scope }) };
}
