import { equal, ok } from 'node:assert/strict';
import type { Page, PageRequest } from 'nestjs-runhooks/core';
import { at, type StoreHarness } from './store-harness.js';
import type { ContractCase } from './contract-case.js';
import { same } from './same.js';

type List = (page: PageRequest) => Promise<Page<{ readonly id: string }>>;

const LISTS: Readonly<Record<string, (harness: StoreHarness) => List>> = {
  messages: (harness) => (page) => harness.store.messages({}, page),
  events: (harness) => (page) => harness.store.events({}, page),
  deliveries: (harness) => (page) => harness.store.deliveries({}, page),
};

const PAGES_MAX = 10;

/** All ids, page by page. */
async function idsOf(list: List, limit: number): Promise<string[]> {
  const ids: string[] = [];
  let after: string | undefined;
  for (let pages = 0; pages < PAGES_MAX; pages += 1) {
    const { items, next } = await list({ limit, ...(after !== undefined && { after }) });
    ok(items.length <= limit);
    ids.push(...items.map(({ id }) => id));
    if (next === undefined) return ids;
    after = next;
  }
  throw new Error(`there is still a next page after ${PAGES_MAX} pages: ${ids.join(', ')}`);
}

/** One message, event and delivery each; answers their ids in the order of the lists. */
async function fill(harness: StoreHarness, ms: number): Promise<Record<string, string>> {
  const { id } = await harness.append({ receivedAt: at(ms) });
  const event = harness.event();
  await harness.record(await harness.takeMessages({ at: ms }), { decide: () => ({ events: [event] }) }, at(ms));
  return { messages: id, events: event.id, deliveries: event.deliveries[0]?.id ?? '' };
}

export const listCases: readonly ContractCase[] = Object.entries(LISTS).flatMap(([name, listOf]): ContractCase[] => [
  {
    title: `${name}: newest first, in pages that leave nothing out and tell nothing twice`,
    run: async (harness) => {
      const list = listOf(harness);
      same(await list({}), { items: [] });
      const newestFirst: string[] = [];
      for (let count = 0; count < 5; count += 1) newestFirst.unshift((await fill(harness, count))[name] ?? '');
      for (const limit of [1, 2, 5, 100]) same(await idsOf(list, limit), newestFirst);
    },
  },
  {
    title: `${name}: pages leave nothing out either where all came at the same time`,
    run: async (harness) => {
      const filled = new Set<string>();
      for (let count = 0; count < 5; count += 1) filled.add((await fill(harness, 0))[name] ?? '');
      const ids = await idsOf(listOf(harness), 2);
      same(ids.toSorted(), [...filled].sort());
    },
  },
  {
    title: `${name}: what comes while somebody turns pages does not move the next ones`,
    run: async (harness) => {
      const oldest = await fill(harness, 0);
      await fill(harness, 1);
      const list = listOf(harness);
      const { next } = await list({ limit: 1 });
      await fill(harness, 2);
      const page = await list({ limit: 10, ...(next !== undefined && { after: next }) });
      same(
        page.items.map(({ id }) => id),
        [oldest[name]],
      );
      equal(page.next, undefined);
    },
  },
]);
