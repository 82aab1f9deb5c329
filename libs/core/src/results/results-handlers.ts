import { RESULTS_EVENT_TYPES } from '../events/event.js';
import { valuesOf, type EventFilter } from '../handlers/filter.js';
import { OWN_HANDLER_PREFIX, type Handler } from '../handlers/handler.js';
import { DEFAULT_RETRY } from '../handlers/retry-policy.js';
import type { Subscription } from '../handlers/subscription.js';
import { LIMITS } from '../limits.js';
import type { OpenSource } from '../sources/source.js';

/** A source of whose runs handlers ask for results. */
export interface ResultsOfSource {
  readonly source: string;
  /** Ids of the handlers. */
  readonly handlerIds: readonly string[];
  /** Whether this process has access to the results. */
  readonly isRead: boolean;
}

/** Returns the id of the handler that reads the results of a source's runs. */
export function resultsHandlerId(source: string): string {
  return `${OWN_HANDLER_PREFIX}results:${source}`;
}

/** Returns the sources of whose runs handlers ask for results. */
export function resultsAskedFor(handlers: readonly Handler[], sources: readonly OpenSource[]): ResultsOfSource[] {
  return sources.flatMap((source) => {
    const asking = handlers.filter(({ subscriptions }) => filtersFor(subscriptions, source).length > 0);
    if (asking.length === 0) return [];
    return [{ source: source.name, handlerIds: asking.map(({ id }) => id), isRead: source.api?.results !== undefined }];
  });
}

/** Returns the handlers of completed runs whose results the handlers of an app ask for: one for each source that has a reader. */
export function resultsHandlers(
  handlers: readonly Handler[],
  sources: readonly OpenSource[],
  invoke: Handler['invoke'],
): Handler[] {
  return sources.flatMap((source): Handler[] => {
    const filters = filtersFor(
      handlers.flatMap(({ subscriptions }) => subscriptions),
      source,
    );
    if (filters.length === 0 || !source.api?.results) return [];
    return [
      {
        id: resultsHandlerId(source.name),
        label: `results of source "${source.name}"`,
        subscriptions: filters.map((filter) => ({ on: { types: ['run.completed'] }, filter })),
        retry: DEFAULT_RETRY,
        timeoutMs: LIMITS.resultsTimeoutMs,
        concurrency: LIMITS.resultsConcurrency,
        invoke,
      },
    ];
  });
}

/** Returns the different filters of subscriptions that ask for results of a source's runs. */
function filtersFor(subscriptions: readonly Subscription[], { name, provider }: OpenSource): EventFilter[] {
  const filters = new Map<string, EventFilter>();
  for (const { on, filter } of subscriptions) {
    if (!('types' in on) || !on.types.some(isAboutResults)) continue;
    if (!includes(filter.source, name) || !includes(filter.provider, provider.name)) continue;
    const own = { ...filter, source: name };
    const key = JSON.stringify(Object.entries(own).sort(([one], [other]) => (one < other ? -1 : 1)));
    filters.set(key, own);
  }
  return [...filters.values()];
}

function includes(wanted: EventFilter['source'], value: string): boolean {
  return wanted === undefined || valuesOf(wanted).includes(value);
}

function isAboutResults(type: string): boolean {
  return (RESULTS_EVENT_TYPES as readonly string[]).includes(type);
}
