import {
  checkBarrier,
  checkStuckAfter,
  ConfigurationError,
  requireKnownOptions,
  type EventFilter,
  type HandlerOptions,
  type NamedSource,
  type Subscription,
} from 'nestjs-runhooks/core';
import type { HandlerMetadata } from '../decorators/handler-metadata.js';
import { requireMatchable } from './impossible-filter.js';

/** Names of the options, by what they are for; the compiler sees to it that none is missing. */
const FILTERS = {
  provider: true,
  source: true,
  account: true,
  project: true,
  environment: true,
  job: true,
  trigger: true,
} satisfies Record<keyof EventFilter, true>;

const OPTIONS = {
  id: true,
  retry: true,
  timeoutMs: true,
  concurrency: true,
  serialize: true,
} satisfies Record<keyof HandlerOptions, true>;

/** A decorator's options, taken apart. */
export interface ReadOptions {
  readonly subscription: Subscription;
  readonly options: HandlerOptions;
}

/**
 * Throws {@link ConfigurationError}, naming handler and option, for a name that is not an option and for a filter that
 * is none or that nothing can fit: any of them would silently let the handler run for more than it was meant for, or for
 * nothing.
 */
export function readOptions(
  handler: string,
  { on, options }: HandlerMetadata,
  sources: readonly NamedSource[],
): ReadOptions {
  const filter: Record<string, unknown> = {};
  const own: Record<string, unknown> = {};
  let when: Subscription['when'];
  let includeLate: boolean | undefined;
  if ('stuck' in on) checkStuckAfter(handler, on.stuck);
  if ('barrier' in on) checkBarrier(handler, on.barrier);
  requireKnownOptions(handler, options, { ...OPTIONS, ...FILTERS, when: true, includeLate: true });
  for (const [name, value] of Object.entries(options) as [string, unknown][]) {
    const option = `${handler}.${name}`;
    if (Object.hasOwn(FILTERS, name)) filter[name] = requireTexts(option, value);
    else if (name === 'when') when = requirePredicate(option, value);
    else if (name === 'includeLate') includeLate = requireBoolean(option, value);
    else own[name] = value;
  }
  requireMatchable(handler, on, filter as EventFilter, sources);
  return { subscription: { on, filter, ...(when && { when }), ...(includeLate && { includeLate }) }, options: own };
}

function requireTexts(option: string, value: unknown): unknown {
  const texts: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (texts.length > 0 && texts.every((text) => typeof text === 'string' && text !== '')) return value;
  const found = Array.isArray(value) ? `a list of ${value.length}` : value === '' ? 'an empty text' : typeof value;
  throw new ConfigurationError(
    option,
    `found ${found}; expected a text, or a list of at least one, none of them empty. Leave it out to filter nothing`,
  );
}

function requirePredicate(option: string, value: unknown): Subscription['when'] {
  if (value === undefined || typeof value === 'function') return value as Subscription['when'];
  throw new ConfigurationError(option, `found ${typeof value}; expected a function that answers true or false`);
}

function requireBoolean(option: string, value: unknown): boolean | undefined {
  if (value === undefined || typeof value === 'boolean') return value;
  throw new ConfigurationError(option, `found ${typeof value}; expected true or false`);
}
