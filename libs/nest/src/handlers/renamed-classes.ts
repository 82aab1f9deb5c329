import { LIMITS } from 'nestjs-runhooks/internal';
import { NEST_LIMITS } from '../limits.js';

/** The names that decide whether a bundler renamed a class. */
export interface ClassNames {
  /** Class of the handler. */
  readonly handler: string;
  /** Nest module that provides the class. */
  readonly module: string;
  /** A class of this package, with its name at run time and in its source. */
  readonly own: string;
  readonly ownInSource: string;
}

/**
 * Whether a bundler renamed a handler's class, so that the next build may use another name. A short name alone proves
 * nothing: a Nest module or a class of this package must have been renamed, too. Bundlers add a leading underscore or a
 * trailing number if two declarations have one name.
 */
export function isRenamedByBundler({ handler, module, own, ownInSource }: ClassNames): boolean {
  if (isMinified(handler) && (isMinified(module) || isMinified(own))) return true;
  return own !== ownInSource && /^_|\d$/.test(handler);
}

function isMinified(name: string): boolean {
  return name.length <= NEST_LIMITS.minifiedNameCharsMax;
}

/** Returns the warning about default ids that contain names chosen by a bundler. */
export function renamedHandlers(ids: readonly string[]): string {
  const named = ids.slice(0, LIMITS.handlersLoggedMax).join(', ');
  const more = ids.length > LIMITS.handlersLoggedMax ? ` and ${ids.length - LIMITS.handlersLoggedMax} more` : '';
  return (
    `Default handler ids may change with the next build: a bundler renamed the classes they are made of (${named}${more}). ` +
    'Deliveries waiting for a retry would then have no handler. Set `id` in each of these decorators, or keep class ' +
    'names in the bundle (esbuild keepNames, terser keep_classnames, swc mangle.keep_classnames)'
  );
}
