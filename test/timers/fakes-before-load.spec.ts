import { createRequire } from 'node:module';
import { afterEach, describe, expect, it, jest } from '@jest/globals';

// This file imports nothing of Runhooks. Each test loads it with the fakes in place, as `enableGlobally` does, or
// `vi.useFakeTimers()` in a setup file.
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

/** The timers that vitest fakes by default. Unlike Jest's fakes, these also replace the exports of `node:timers`. */
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

describe('fake timers before Runhooks is loaded', () => {
  it("let the app start, receive, handle and stop: Jest's", async () => {
    jest.useFakeTimers();
    const { liveUnderFakeTimers } = await import('./faked-app.js');
    expect(await liveUnderFakeTimers('express')).toEqual(['run.completed', 'run.succeeded']);
  });

  it("let the app start, receive, handle and stop: vitest's", async () => {
    const clock = FakeTimers.install({ now: Date.now(), toFake: OF_VITEST });
    restore = () => clock.uninstall();
    const { liveUnderFakeTimers } = await import('./faked-app.js');
    expect(await liveUnderFakeTimers('express')).toEqual(['run.completed', 'run.succeeded']);
  });
});
