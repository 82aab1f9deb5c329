import type { Page, PageRequest } from 'nestjs-runhooks';

/** Returns the items of all pages of a list. */
export async function allOf<T>(list: (page: PageRequest) => Promise<Page<T>>): Promise<readonly T[]> {
  const items: T[] = [];
  let after: string | undefined;
  do {
    const page: Page<T> = await list({ limit: 1_000, ...(after !== undefined && { after }) });
    items.push(...page.items);
    after = page.next;
  } while (after !== undefined);
  return items;
}
