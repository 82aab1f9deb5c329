import { ConfigurationError, NODE_KINDS, type RunTrigger } from 'nestjs-runhooks/core';
import {
  didYouMean,
  valuesOf,
  type EventFilter,
  type NamedSource,
  type NodeFilter,
  type SubscribedTo,
} from 'nestjs-runhooks/internal';

const TRIGGERS = {
  schedule: true,
  manual: true,
  api: true,
  ci: true,
  unknown: true,
} satisfies Record<RunTrigger['kind'], true>;

/**
 * Throws {@link ConfigurationError} for a filter that no event can match: one with an unknown source, provider or trigger,
 * even beside known ones, or with a source of another provider. A source that is left out counts as configured.
 */
export function requireMatchable(
  handler: string,
  on: SubscribedTo,
  filter: EventFilter,
  sources: readonly NamedSource[],
): void {
  const names = sources.map(({ name }) => name);
  const providers = [...new Set(sources.map(({ provider }) => provider))];
  const wanted = 'provider' in on ? [on.provider] : valuesOf<string>(filter.provider);
  requireKnown(`${handler}.provider`, wanted, providers, 'the provider of a configured source');
  requireKnown(`${handler}.source`, valuesOf(filter.source), names, 'the name of a configured source');
  requireKnown(`${handler}.trigger`, valuesOf<string>(filter.trigger), Object.keys(TRIGGERS), 'a trigger');
  for (const source of valuesOf(filter.source)) {
    const provider = sources.find(({ name }) => name === source)?.provider ?? '';
    if (wanted.length === 0 || wanted.includes(provider)) continue;
    throw new ConfigurationError(
      `${handler}.source`,
      `source "${source}" belongs to provider "${provider}", but this handler listens only to ${wanted.map((name) => `"${name}"`).join(' or ')}. ` +
        'No event can match both',
    );
  }
}

/** Throws {@link ConfigurationError} for a kind of nodes that does not exist. */
export function requireKinds(handler: string, { kind }: NodeFilter): void {
  requireKnown(`${handler}.kind`, valuesOf<string>(kind), NODE_KINDS, 'a kind of nodes');
}

function requireKnown(option: string, wanted: readonly string[], known: readonly string[], noun: string): void {
  const unknown = wanted.find((name) => !known.includes(name));
  if (unknown === undefined) return;
  const hint = didYouMean(unknown, known);
  throw new ConfigurationError(option, `expected ${noun} (${known.join(', ')}), got "${unknown}"${hint}`);
}
