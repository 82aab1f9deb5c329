import { valuesOf, type EventFilter, type OneOrMore, type Routable } from './filter.js';
import { matchesPattern } from './glob.js';
import { isOfType } from './handler.js';
import type { Handler } from './handler.js';
import { LIMITS } from './limits.js';
import { changesToFit } from './nearest.js';
import { shortName } from './one-line.js';
import type { Reference } from './run.js';

/** The filters over ids and names: in the others a wrong word stops the boot. */
const NAMED = ['account', 'project', 'environment', 'job'] as const;

interface Miss {
  /** Letters to change, over all filters; letters in another case do not count. */
  readonly changes: number;
  readonly text: string;
}

/**
 * Describes the handler that came nearest to wanting one of the events: its filters differ from what the event has in
 * case only, or in few letters. Undefined if none came near.
 */
export function nearMiss(handlers: readonly Handler[], events: readonly Routable[]): string | undefined {
  let best: Miss | undefined;
  for (const { id, subscriptions } of handlers.slice(0, LIMITS.nearMissHandlersMax)) {
    for (const { on, filter } of subscriptions) {
      const event = events.find((one) => isOfType(on, one));
      const miss = event && missOf(id, filter, event);
      if (miss && miss.changes < (best?.changes ?? Infinity)) best = miss;
    }
  }
  return best?.text;
}

function missOf(handlerId: string, filter: EventFilter, event: Routable): Miss | undefined {
  const { provider, source, trigger } = filter;
  const { run } = event;
  if (!isOneOf(provider, event.provider) || !isOneOf(source, event.source)) return undefined;
  if (!run || !isOneOf(trigger, run.trigger.kind)) return undefined;
  let changes = 0;
  const asked: string[] = [];
  for (const field of NAMED) {
    const near = nearestOf(valuesOf(filter[field]), run[field]);
    if (near === 'fits') continue;
    if (near === undefined) return undefined;
    changes += near.changes;
    asked.push(`${field} "${shortName(near.pattern)}", found "${shortName(near.found)}"`);
  }
  return asked.length === 0 ? undefined : { changes, text: `${handlerId} asks for ${asked.join(', and for ')}` };
}

function isOneOf(wanted: OneOrMore<string> | undefined, value: string): boolean {
  return wanted === undefined || valuesOf(wanted).includes(value);
}

interface Near {
  readonly changes: number;
  readonly pattern: string;
  readonly found: string;
}

/** The pattern, and the id or name, with the fewest letters to change. */
function nearestOf(patterns: readonly string[], reference: Reference | undefined): Near | 'fits' | undefined {
  if (patterns.length === 0) return 'fits';
  let best: Near | undefined;
  for (const found of [reference?.name, reference?.id]) {
    if (found === undefined) continue;
    for (const pattern of patterns.slice(0, LIMITS.nearMissPatternsMax)) {
      if (matchesPattern(pattern, found)) return 'fits';
      const changes = changesOf(pattern, found);
      if (changes < (best?.changes ?? Infinity)) best = { changes, pattern, found };
    }
  }
  return best;
}

/** `Infinity` unless at least half of the pattern's letters can stay. */
function changesOf(pattern: string, found: string): number {
  const [wanted, had] = [pattern, found].map((text) => text.slice(0, LIMITS.nearMissCharsMax).trim().toLowerCase());
  if (wanted === undefined || had === undefined) return Infinity;
  const letters = wanted.replaceAll('*', '').length;
  return changesToFit(wanted, had, Math.floor(letters / 2));
}
