import { performance } from 'node:perf_hooks';
import { nextTick } from 'node:process';
import { clearInterval, clearTimeout, setImmediate, setInterval, setTimeout } from 'node:timers';

/** Timers that fake timers of a test framework do not hold. Due times follow a `Clock` instead. */
export interface Timers {
  setTimeout(run: () => void, ms: number): NodeJS.Timeout;
  clearTimeout(timer: NodeJS.Timeout | undefined): void;
  setInterval(run: () => void, ms: number): NodeJS.Timeout;
  clearInterval(timer: NodeJS.Timeout | undefined): void;
  setImmediate(run: () => void): void;
  /** Runs `run` after this step of the program and its promises, before any other work of the event loop. */
  nextTick(run: () => void): void;
  /** Resolves after `ms`. */
  pause(ms: number): Promise<void>;
  /** Resolves when the rest of the event loop had its turn. */
  turn(): Promise<void>;
  /** Milliseconds since some moment, by a clock that nobody sets. */
  monotonicMs(): number;
}

/** Fake timers that were there before this file keep what they replaced, as `clock._setTimeout` and so on. */
function real<T extends object>(found: T, name: string): T {
  const { clock } = found as { readonly clock?: Readonly<Record<string, T | undefined>> };
  return clock?.[`_${name}`] ?? found;
}

const realTimeout = real(setTimeout, 'setTimeout');
const realImmediate = real(setImmediate, 'setImmediate');
/** From the prototype, because fake timers replace the method of the object. On Bun the prototype has none. */
const realNow = (Object.getPrototypeOf(performance) as Partial<typeof performance>).now ?? performance.now;

/**
 * Where every timer of Runhooks comes from. Taken once, when this file is loaded: a commit that waits for a timer which
 * the tests of a host hold would wait for ever. Fake timers replace not only the globals, but in part the exports of
 * `node:timers`, too, where a CommonJS build would look them up at each call.
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
