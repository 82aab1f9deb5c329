import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Bench, until } from '../dispatch/bench.js';

let bench: Bench;
/** Ends the handlers that a test has let hang. */
let letGo: () => void;
let over: Promise<void>;

beforeEach(async () => {
  bench = await Bench.open({ concurrency: 3, abortGraceMs: 1 });
  over = new Promise((resolve) => {
    letGo = resolve;
  });
});
afterEach(async () => {
  letGo();
  await bench.close();
});

const NEVER_SETTLING: readonly [what: string, run: () => unknown][] = [
  ['never returns', () => over],
  ['answers a thenable that never settles', () => ({ then: (): void => undefined })],
  ['answers a thenable that settles in both ways, and again', () => ({ then: bothWays })],
  ['hangs, and throws long after its time was up', () => over.then(() => Promise.reject(new Error('too late')))],
];

/** Rejects first; what it says afterwards is nothing. */
function bothWays(resolve: () => void, reject: (thrown: unknown) => void): void {
  reject(undefined);
  resolve();
  reject(new Error('again'));
}

describe('a handler', () => {
  it.each(NEVER_SETTLING)('that %s holds up neither its sibling nor the next event', async (_, run) => {
    const done: string[] = [];
    bench.on('hangs', run, { timeoutMs: 1, retry: false });
    bench.on('works', ({ id }) => void done.push(id));
    await bench.send({ run: '1' });
    await bench.send({ run: '2' });
    await bench.idle();
    expect(done).toEqual(['run.succeeded:probe/1/1', 'run.succeeded:probe/1/2']);
    expect((await bench.inbox.counts()).deliveries).toEqual({
      pending: 0,
      succeeded: 2,
      skipped: 0,
      dead: 2,
      dismissed: 0,
    });
    expect(bench.lines.filter((line) => line.includes('"works"'))).toEqual([]);
  });

  it('that does not stop when told to is said so at error level, with how many places are lost to such', async () => {
    bench.on('hangs', () => over, { timeoutMs: 1, retry: { attemptsMax: 2 } });
    await bench.send();
    await bench.idle();
    expect(bench.lines.filter((line) => line.includes('keeps its place'))).toEqual([
      expect.stringMatching(/^error: handler "hangs" .* 1 handler/),
      expect.stringMatching(/^error: handler "hangs" .* 2 handlers/),
    ]);
  });

  it('that hangs has its place back as soon as it returns, also long after', async () => {
    const done: string[] = [];
    bench.on('hangs', () => over, { timeoutMs: 1, retry: { attemptsMax: 3 } });
    bench.on('works', ({ id }) => void done.push(id), { types: ['run.failed'] });
    await bench.send();
    await bench.idle();
    await bench.send({ types: ['run.failed'], run: '2' });
    await bench.idle();
    expect(done).toEqual([]);
    letGo();
    await until(async () => {
      await bench.idle();
      return done.length === 1;
    });
  });
});
