import { LIMITS } from 'nestjs-runhooks/core';

/** The names that decide whether a bundler renamed a class. */
export interface ClassNames {
  /** Class of the handler. */
  readonly handler: string;
  /** Module that provides the class. */
  readonly module: string;
  /** A class of this package at run time, and in its source. */
  readonly own: string;
  readonly ownInSource: string;
}

/**
 * Whether a bundler renamed a handler's class, so that the next build may give it another name. A short name alone
 * proves nothing, so a class that the bundler must have renamed as well has to agree: a Nest module, or one of this
 * package. A leading underscore or a trailing number is how bundlers tell two declarations of one name apart.
 */
export function isRenamedByBundler({ handler, module, own, ownInSource }: ClassNames): boolean {
  if (isMinified(handler) && (isMinified(module) || isMinified(own))) return true;
  return own !== ownInSource && /^_|\d$/.test(handler);
}

function isMinified(name: string): boolean {
  return name.length <= LIMITS.minifiedNameCharsMax;
}

/** The warning about default ids that are made of such names. */
export function renamedHandlers(ids: readonly string[]): string {
  const named = ids.slice(0, LIMITS.handlersLoggedMax).join(', ');
  const more = ids.length > LIMITS.handlersLoggedMax ? ` and ${ids.length - LIMITS.handlersLoggedMax} more` : '';
  return (
    `Default handler ids may change with the next build: a bundler renamed the classes they are made of (${named}${more}). ` +
    'Deliveries waiting for a retry would then have no handler. Set `id` in each of these decorators, or keep class ' +
    'names in the bundle (esbuild keepNames, terser keep_classnames, swc mangle.keep_classnames)'
  );
}
