import { ConfigurationError } from './errors.js';

/**
 * Copies of this package that the process has loaded: the format of each, by the place it was loaded from. Global,
 * because that is the only place two copies meet. A test runner that loads the same file again loads no second copy.
 */
const KEY = Symbol.for('nestjs-runhooks:loaded-copies');
const format = typeof module === 'undefined' ? 'ESM' : 'CommonJS';

function loadedCopies(): Map<string, string> {
  const holder = globalThis as { [KEY]?: Map<string, string> };
  return (holder[KEY] ??= new Map());
}

/**
 * The place of the code at the top of a stack: one source becomes both builds, and only one of them has `__filename`.
 * A query, as watchers and test runners add it, is no other place.
 */
export function placeOf(stack: unknown): string | undefined {
  if (typeof stack !== 'string') return undefined;
  const frame = stack.split('\n').find((line) => /^\s+at /.test(line));
  const place = /^\s+at (?:.*? \()?(.+?):\d+:\d+\)?$/.exec(frame ?? '')?.[1];
  return place
    ?.replace(/^file:\/\//, '')
    .replace(/\?.*$/, '')
    .replace(/[\\/]core[\\/]src[\\/]one-copy\.[cm]?[jt]s$/, '');
}

// Without a stack (`Error.stackTraceLimit = 0`) the formats are still told apart.
loadedCopies().set(placeOf(new Error().stack) ?? `the ${format} build`, format);

/**
 * Throws {@link ConfigurationError} if the process loaded this package more than once: from two places, or both by
 * `import` and by `require`.
 */
export function requireOneCopy(): void {
  const copies = [...loadedCopies()];
  if (copies.length < 2) return;
  const places = copies.map(([place]) => place).join(' and ');
  const formats = new Set(copies.map(([, loaded]) => loaded));
  throw new ConfigurationError(
    'nestjs-runhooks',
    formats.size > 1
      ? `both its ESM and its CommonJS build are loaded in this process, from ${places}, so handlers of one would be ` +
          'missing from the other; load it in one way only: all `import`, or all `require`'
      : `found ${copies.length} copies in this process, ${places}; expected one, because handlers and providers of one ` +
          'are unknown to the other. A shared library lists nestjs-runhooks in its peerDependencies, and has the same ' +
          'versions of its peers (class-validator, @nestjs/core) as the app. `npm ls nestjs-runhooks` or ' +
          '`pnpm why nestjs-runhooks` shows where the copies come from',
  );
}
