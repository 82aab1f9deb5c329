import { ConfigurationError } from './errors.js';

/**
 * Loaded copies of this package: the format of each, by its place. The map is global, because copies share nothing else.
 * A test runner that loads the same file again does not load a second copy.
 */
const KEY = Symbol.for('nestjs-runhooks:loaded-copies');
const format = typeof module === 'undefined' ? 'ESM' : 'CommonJS';

function loadedCopies(): Map<string, string> {
  const holder = globalThis as { [KEY]?: Map<string, string> };
  return (holder[KEY] ??= new Map());
}

/**
 * Returns the place of the code at the top of a stack, because only the CommonJS build has `__filename`: the folder of the
 * build, whose bundle may have put this code into any of its files. Queries of watchers and test runners are removed.
 */
export function placeOf(stack: unknown): string | undefined {
  if (typeof stack !== 'string') return undefined;
  const frame = stack.split('\n').find((line) => /^\s+at /.test(line));
  const place = /^\s+at (?:.*? \()?(.+?):\d+:\d+\)?$/.exec(frame ?? '')?.[1];
  return place
    ?.replace(/^file:\/\//, '')
    .replace(/\?.*$/, '')
    .replace(/[\\/](?:core[\\/]src[\\/](?:one-copy|internal|index)|chunks[\\/]runhooks-\w+)\.[cm]?[jt]s$/, '');
}

// Without a stack (`Error.stackTraceLimit = 0`) the formats still differ.
loadedCopies().set(placeOf(new Error().stack) ?? `the ${format} build`, format);

/**
 * Checks that the process has loaded this package once.
 *
 * @throws {ConfigurationError} if it was loaded from two places, or both by `import` and by `require`.
 */
export function requireOneCopy(): void {
  const copies = [...loadedCopies()];
  if (copies.length < 2) return;
  const places = copies.map(([place]) => place).join(' and ');
  const formats = new Set(copies.map(([, loaded]) => loaded));
  throw new ConfigurationError(
    'nestjs-runhooks',
    formats.size > 1
      ? `expected one build in this process, got both ESM and CommonJS, ${places}. One does not have the handlers of the ` +
          'other: load the package only with `import`, or only with `require`'
      : `expected one copy in this process, got ${copies.length}, ${places}. One does not have the handlers and providers ` +
          'of the other: shared libraries must list nestjs-runhooks in their peerDependencies, and use the same versions ' +
          'of its peers (class-validator, @nestjs/core) as the app. `npm ls nestjs-runhooks` or ' +
          '`pnpm why nestjs-runhooks` shows the origin of the copies',
  );
}
