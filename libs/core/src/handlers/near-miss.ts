import { LIMITS } from '../limits.js';
import { changesToFit } from '../nearest.js';
import { shortName } from '../one-line.js';
import type { Reference } from '../runs/run.js';
import { valuesOf, type EventFilter, type Routable } from './filter.js';
import type { SubscribedTo } from './subscription.js';
import { matchesPattern } from './glob.js';
import type { Handler } from './handler.js';
import { isOfType } from './handler.js';

interface Miss {
  /** Number of filters that do not match. */
  readonly filters: number;
  /** Letters to change until they match, ignoring case. */
  readonly changes: number;
  readonly text: string;
}

/**
 * Describes the handler that nearly matches one of the events, with its filters that do not match. It has the fewest such
 * filters and then the fewest letters to change. Returns `undefined` if no handler asks for events of these types.
 */
export function nearMiss(handlers: readonly Handler[], events: readonly Routable[]): string | undefined {
  let best: Miss | undefined;
  for (const { id, subscriptions } of handlers.slice(0, LIMITS.nearMissHandlersMax)) {
    for (const { on, filter } of subscriptions) {
      for (const event of events.filter((one) => isOfType(on, one))) {
        const miss = missOf(id, filter, event);
        if (miss && (!best || isNearer(miss, best))) best = miss;
      }
    }
  }
  return best?.text;
}

function isNearer(one: Miss, other: Miss): boolean {
  return one.filters < other.filters || (one.filters === other.filters && one.changes < other.changes);
}

/** Lists the types of events that handlers ask for. Returns `undefined` if there is no handler. */
export function typesAskedFor(handlers: readonly Handler[]): string | undefined {
  const types = new Set(handlers.flatMap(({ subscriptions }) => subscriptions.flatMap(({ on }) => nameOf(on))));
  if (types.size === 0) return undefined;
  const [handler] = handlers;
  const who = handlers.length === 1 && handler ? `${handler.id} asks` : 'Handlers ask';
  return `${who} for ${[...types].join(', ')}`;
}

function nameOf(on: SubscribedTo): readonly string[] {
  if ('types' in on) return on.types;
  if ('stuck' in on) return ['run.stuck'];
  return 'barrier' in on ? ['runs.joined'] : [`${on.provider} message ${on.messageType ?? '*'}`];
}

function missOf(handlerId: string, filter: EventFilter, event: Routable): Miss | undefined {
  const { run } = event;
  const misses = [
    exactMiss('provider', valuesOf(filter.provider), event.provider),
    exactMiss('source', valuesOf(filter.source), event.source),
    exactMiss('trigger', valuesOf(filter.trigger), run?.trigger.kind),
    ...(['account', 'project', 'environment', 'job'] as const).map((name) =>
      patternMiss(name, valuesOf(filter[name]), run?.[name]),
    ),
  ].filter((miss) => miss !== undefined);
  if (misses.length === 0) return undefined;
  return {
    filters: misses.length,
    changes: misses.reduce((sum, { changes }) => sum + changes, 0),
    text: `${handlerId} asks for ${misses.map(({ text }) => text).join(', and for ')}`,
  };
}

type FilterMiss = Pick<Miss, 'changes' | 'text'>;

function exactMiss(name: string, wanted: readonly string[], found: string | undefined): FilterMiss | undefined {
  if (wanted.length === 0 || (found !== undefined && wanted.includes(found))) return undefined;
  return { changes: LIMITS.nearMissCharsMax, text: describe(name, wanted, found) };
}

function patternMiss(
  name: string,
  patterns: readonly string[],
  reference: Reference | undefined,
): FilterMiss | undefined {
  if (patterns.length === 0) return undefined;
  let best: { readonly changes: number; readonly pattern: string; readonly found: string } | undefined;
  for (const found of [reference?.name, reference?.id]) {
    if (found === undefined) continue;
    for (const pattern of patterns.slice(0, LIMITS.nearMissPatternsMax)) {
      if (matchesPattern(pattern, found)) return undefined;
      const changes = changesOf(pattern, found);
      if (changes < (best?.changes ?? Infinity)) best = { changes, pattern, found };
    }
  }
  if (best) return { changes: best.changes, text: describe(name, [best.pattern], best.found) };
  return { changes: LIMITS.nearMissCharsMax, text: describe(name, patterns, reference?.name ?? reference?.id) };
}

function describe(name: string, wanted: readonly string[], found: string | undefined): string {
  const shown = wanted.slice(0, LIMITS.nearMissPatternsShown).map((one) => `"${shortName(one)}"`);
  const more = wanted.length > shown.length ? ' or others' : '';
  return `${name} ${shown.join(' or ')}${more}, found ${found === undefined ? 'none' : `"${shortName(found)}"`}`;
}

/** Returns the letters to change, or `Infinity` if that is more than half of the pattern's letters. */
function changesOf(pattern: string, found: string): number {
  const [wanted, had] = [pattern, found].map((text) => text.slice(0, LIMITS.nearMissCharsMax).trim().toLowerCase());
  if (wanted === undefined || had === undefined) return Infinity;
  const letters = wanted.replaceAll('*', '').length;
  return changesToFit(wanted, had, Math.floor(letters / 2));
}
