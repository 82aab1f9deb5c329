import { performance } from 'node:perf_hooks';
import { nextTick } from 'node:process';
import { clearInterval, clearTimeout, setImmediate, setInterval, setTimeout } from 'node:timers';

/** Timers that a test framework's fake timers do not replace. Due times follow a `Clock` instead. */
export interface Timers {
  setTimeout(run: () => void, ms: number): NodeJS.Timeout;
  clearTimeout(timer: NodeJS.Timeout | undefined): void;
  setInterval(run: () => void, ms: number): NodeJS.Timeout;
  clearInterval(timer: NodeJS.Timeout | undefined): void;
  setImmediate(run: () => void): void;
  /** Runs `run` after the current operation, before any other work of the event loop. */
  nextTick(run: () => void): void;
  /** Resolves after `ms`. */
  pause(ms: number): Promise<void>;
  /** Resolves after the event loop has run its other work. */
  turn(): Promise<void>;
  /** Returns the milliseconds since some moment, by a monotonic clock. */
  monotonicMs(): number;
}

/** Fake timers that were installed before this file was loaded keep the originals as `clock._setTimeout` and so on. */
function real<T extends object>(found: T, name: string): T {
  const { clock } = found as { readonly clock?: Readonly<Record<string, T | undefined>> };
  return clock?.[`_${name}`] ?? found;
}

const realTimeout = real(setTimeout, 'setTimeout');
const realImmediate = real(setImmediate, 'setImmediate');
/** The method of the prototype, because fake timers replace that of the object. On Bun the prototype has none. */
const realNow = (Object.getPrototypeOf(performance) as Partial<typeof performance>).now ?? performance.now;

/**
 * All timers of Runhooks. They are read once, when this file is loaded: otherwise a commit could wait forever for a fake
 * timer of the app's tests. Fake timers replace the globals, and partly the exports of `node:timers`, which a CommonJS
 * build looks up at each call.
 */
export const timers: Timers = {
  setTimeout: realTimeout,
  clearTimeout: real(clearTimeout, 'clearTimeout'),
  setInterval: real(setInterval, 'setInterval'),
  clearInterval: real(clearInterval, 'clearInterval'),
  setImmediate: realImmediate,
  nextTick: real(nextTick, 'nextTick'),
  pause: (ms) => new Promise((resolve) => void realTimeout(resolve, ms)),
  turn: () => new Promise((resolve) => void realImmediate(resolve)),
  monotonicMs: () => realNow.call(performance),
};
