import { createRequire } from 'node:module';
import { afterEach, describe, expect, it, jest } from '@jest/globals';

// Nothing of Runhooks is imported here: each test loads it with the fakes in place, as `enableGlobally` does, or
// `vi.useFakeTimers()` in a set-up file.
interface FakeTimers {
  install(config: { now: number; toFake: string[] }): { uninstall(): void };
}
const FakeTimers = createRequire(import.meta.url)('@sinonjs/fake-timers') as FakeTimers;

let restore = (): void => undefined;
afterEach(() => {
  restore();
  jest.useRealTimers();
  jest.resetModules();
});

/** What vitest fakes unless it is told otherwise. Unlike Jest's, these replace the exports of `node:timers`, too. */
const OF_VITEST = [
  'setTimeout',
  'clearTimeout',
  'setInterval',
  'clearInterval',
  'setImmediate',
  'clearImmediate',
  'Date',
  'performance',
];

describe('with fake timers before Runhooks is loaded', () => {
  it('of Jest: it starts, receives, handles and stops', async () => {
    jest.useFakeTimers();
    const { liveUnderFakeTimers } = await import('./faked-app.js');
    expect(await liveUnderFakeTimers('express')).toEqual(['run.completed', 'run.succeeded']);
  });

  it('as vitest has them: it starts, receives, handles and stops', async () => {
    const clock = FakeTimers.install({ now: Date.now(), toFake: OF_VITEST });
    restore = () => clock.uninstall();
    const { liveUnderFakeTimers } = await import('./faked-app.js');
    expect(await liveUnderFakeTimers('express')).toEqual(['run.completed', 'run.succeeded']);
  });
});
