import { Buffer } from 'node:buffer';
import { setImmediate } from 'node:timers';
import { describe, expect, it } from '@jest/globals';
import { readManifestNodes } from './read-manifest.js';
import { readRunResults } from './read-run-results.js';

const MB = 1_000_000;
const CODE = 'select \\"id\\", count(*)\\nfrom \\"shop\\".\\"orders\\"\\ngroup by 1\\n'.repeat(15);

/** Creates a document of `count` members while it is read. Its chunks are ready at once, so reading never waits. */
async function* document(
  head: string,
  member: (index: number) => string,
  tail: string,
  count: number,
): AsyncGenerator<Uint8Array> {
  yield Buffer.from(head);
  for (let index = 0; index < count; index += 50) {
    const members = Array.from({ length: Math.min(50, count - index) }, (_, offset) => member(index + offset));
    yield Buffer.from((index === 0 ? '' : ',') + members.join(','));
  }
  yield Buffer.from(tail);
}

/** Runs `work`, and returns how long it took and the longest time in which the event loop could do nothing else. */
async function observe(work: () => Promise<void>): Promise<{ totalMs: number; stallMs: number }> {
  const startedAt = performance.now();
  let [isOver, turnedAt, stallMs] = [false, startedAt, 0];
  const turn = (): void => {
    const now = performance.now();
    [stallMs, turnedAt] = [Math.max(stallMs, now - turnedAt), now];
    if (!isOver) setImmediate(turn);
  };
  setImmediate(turn);
  await work();
  isOver = true;
  turn();
  return { totalMs: performance.now() - startedAt, stallMs };
}

describe('reading large files', () => {
  it('lets the event loop do other work while it reads 20 MB of results', async () => {
    const row = (index: number): string =>
      `{"status":"fail","unique_id":"test.shop.t${index}","message":"Got 4 results","compiled_code":"${CODE}"}`;
    const { totalMs, stallMs } = await observe(async () => {
      const file = document('{"results":[', row, ']}', 20_000);
      expect(await readRunResults(file, { bytesMax: 50 * MB })).toMatchObject({ nodes: { length: 20_000 } });
    });
    // A reader that never pauses stalls the event loop for the whole time, on any machine.
    expect(stallMs).toBeLessThan(Math.max(100, totalMs / 2));
  });

  it('holds less than half of a manifest of 400 MB', async () => {
    const entry = (index: number): string =>
      `"model.shop.m${index}":{"name":"m${index}","raw_code":"${CODE.repeat(10)}"}`;
    const before = process.memoryUsage().rss;
    let most = before;
    async function* observed(): AsyncGenerator<Uint8Array> {
      for await (const chunk of document('{"nodes":{', entry, '}}', 40_000)) {
        most = Math.max(most, process.memoryUsage().rss);
        yield chunk;
      }
    }
    const nodes = await readManifestNodes(observed(), ['model.shop.m7', 'model.shop.m39999'], { bytesMax: 500 * MB });
    expect([...(nodes?.values() ?? [])].map(({ name }) => name)).toEqual(['m7', 'm39999']);
    // Some of it is garbage of the document, which is not collected at once. `npm run bench:artifacts` has the exact figures.
    expect(most - before).toBeLessThan(200 * MB);
  });
});
