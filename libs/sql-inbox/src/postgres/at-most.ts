/** Runs a step for each item, at most `limit` at the same time. Resolves when all steps have ended. */
export async function atMost<Item>(
  items: Iterable<Item>,
  limit: number,
  step: (item: Item) => Promise<void>,
): Promise<void> {
  const queue = [...items];
  const work = async (): Promise<void> => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await step(item);
  };
  await Promise.all(Array.from({ length: Math.min(limit, queue.length) }, work));
}
