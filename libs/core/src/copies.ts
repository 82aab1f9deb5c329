import { ConfigurationError } from './errors.js';

/** Formats of this package that the process has loaded. Global, because that is the only place two copies meet. */
const KEY = Symbol.for('nestjs-runhooks:loaded-formats');
const format = typeof module === 'undefined' ? 'ESM' : 'CommonJS';

function loadedFormats(): Set<string> {
  const holder = globalThis as { [KEY]?: Set<string> };
  return (holder[KEY] ??= new Set());
}

loadedFormats().add(format);

/** Throws {@link ConfigurationError} if the process loaded this package both by `import` and by `require`. */
export function requireOneCopy(): void {
  if (loadedFormats().size > 1) {
    throw new ConfigurationError(
      'nestjs-runhooks',
      'both its ESM and its CommonJS build are loaded in this process, so handlers of one would be missing from the ' +
        'other; load it in one way only: all `import`, or all `require`',
    );
  }
}
