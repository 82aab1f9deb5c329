import type { Timers } from 'inside/timers';

/**
 * Replaces `libs/core/src/time/timers.ts` in the tests of Runhooks (see jest.config.js), so that `jest.useFakeTimers()`
 * fakes its timers. In the tests of a host this must not happen, so test/timers uses the real file.
 */
export const timers: Timers = {
  setTimeout: (run, ms) => setTimeout(run, ms),
  clearTimeout: (timer) => clearTimeout(timer),
  setInterval: (run, ms) => setInterval(run, ms),
  clearInterval: (timer) => clearInterval(timer),
  setImmediate: (run) => void setImmediate(run),
  nextTick: (run) => process.nextTick(run),
  pause: (ms) => new Promise((resolve) => void setTimeout(resolve, ms)),
  turn: () => new Promise((resolve) => void setImmediate(resolve)),
  monotonicMs: () => performance.now(),
};
