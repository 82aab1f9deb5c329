import { ConfigurationError, kindOf } from 'nestjs-runhooks/core';
import {
  checkBarrier,
  checkStuckAfter,
  requireKnownOptions,
  type EventFilter,
  type HandlerOptions,
  type NamedSource,
  type NodeFilter,
  type SubscribedTo,
  type Subscription,
} from 'nestjs-runhooks/internal';
import type { HandlerMetadata } from '../decorators/handler-metadata.js';
import { requireKinds, requireMatchable } from './impossible-filter.js';

/** Names of the filters and of the other options. The compiler ensures that none is missing. */
const FILTERS = {
  provider: true,
  source: true,
  account: true,
  project: true,
  environment: true,
  job: true,
  trigger: true,
} satisfies Record<keyof EventFilter, true>;

const NODE_FILTERS = {
  kind: true,
  node: true,
  package: true,
} satisfies Record<keyof NodeFilter, true>;

const OPTIONS = {
  id: true,
  retry: true,
  timeoutMs: true,
  concurrency: true,
  serialize: true,
} satisfies Record<keyof HandlerOptions, true>;

/** Options that include more events, with the only type of events that has them. */
const FLAGS = { includeLate: 'run.started', includeIsolated: 'node.failed' } as const;

/** The options of a decorator, separated into filters and handler options. */
export interface ReadOptions {
  readonly subscription: Subscription;
  readonly options: HandlerOptions;
}

/**
 * Separates and checks the options of a decorator.
 *
 * @throws ConfigurationError for an unknown option, and for a filter that is invalid or that no event can match. The
 *   handler would otherwise run for too many events, or for none.
 */
export function readOptions(
  handler: string,
  { on, options }: HandlerMetadata,
  sources: readonly NamedSource[],
): ReadOptions {
  const filter: Record<string, unknown> = {};
  const nodes: Record<string, unknown> = {};
  const flags: Record<string, boolean | undefined> = {};
  const own: Record<string, unknown> = {};
  let when: Subscription['when'];
  if ('stuck' in on) checkStuckAfter(handler, on.stuck);
  if ('barrier' in on) checkBarrier(handler, on.barrier);
  requireKnownOptions(handler, options, optionsOf(on));
  for (const [name, value] of Object.entries(options) as [string, unknown][]) {
    const option = `${handler}.${name}`;
    if (Object.hasOwn(FILTERS, name)) filter[name] = requireStrings(option, value);
    else if (Object.hasOwn(NODE_FILTERS, name)) nodes[name] = requireStrings(option, value);
    else if (Object.hasOwn(FLAGS, name)) flags[name] = requireBoolean(option, value);
    else if (name === 'when') when = requirePredicate(option, value);
    else own[name] = value;
  }
  requireMatchable(handler, on, filter as EventFilter, sources);
  requireKinds(handler, nodes as NodeFilter);
  return {
    subscription: {
      on,
      filter,
      ...(Object.keys(nodes).length > 0 && { nodes }),
      ...(flags['includeLate'] && { includeLate: true }),
      ...(flags['includeIsolated'] && { includeIsolated: true }),
      ...(when && { when }),
    },
    options: own,
  };
}

/** Returns the options of a decorator for these events. */
function optionsOf(on: SubscribedTo): Readonly<Record<string, unknown>> {
  const types: readonly string[] = 'types' in on ? on.types : [];
  return {
    ...OPTIONS,
    ...FILTERS,
    when: true,
    ...(types.some((type) => type.startsWith('node.')) && NODE_FILTERS),
    ...Object.fromEntries(Object.entries(FLAGS).filter(([, type]) => types.includes(type))),
  };
}

function requireStrings(option: string, value: unknown): unknown {
  const entries: readonly unknown[] = Array.isArray(value) ? value : [value];
  const isNonEmptyString = (entry: unknown): boolean => typeof entry === 'string' && entry !== '';
  if (entries.length > 0 && entries.every(isNonEmptyString)) return value;
  const wrong = kindOf(entries.find((entry) => !isNonEmptyString(entry)));
  const got = !Array.isArray(value) ? wrong : entries.length === 0 ? 'an empty array' : `an array with ${wrong}`;
  throw new ConfigurationError(
    option,
    `expected a non-empty string or an array of them, got ${got}. Omit the option to match everything`,
  );
}

function requirePredicate(option: string, value: unknown): Subscription['when'] {
  if (value === undefined || typeof value === 'function') return value as Subscription['when'];
  throw new ConfigurationError(option, `expected a function that returns true or false, got ${kindOf(value)}`);
}

function requireBoolean(option: string, value: unknown): boolean | undefined {
  if (value === undefined || typeof value === 'boolean') return value;
  throw new ConfigurationError(option, `expected true or false, got ${kindOf(value)}`);
}
