import {
  ConfigurationError,
  didYouMean,
  valuesOf,
  type EventFilter,
  type NamedSource,
  type RunTrigger,
  type SubscribedTo,
} from 'nestjs-runhooks/core';

const TRIGGERS = {
  schedule: true,
  manual: true,
  api: true,
  ci: true,
  unknown: true,
} satisfies Record<RunTrigger['kind'], true>;

/**
 * Throws {@link ConfigurationError} for a filter that no event can fit: one that names a source or a provider that is
 * not configured (one that is left out is), also beside others that are; a source that is not of the provider; or a trigger that there is not.
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
  requireKnown(`${handler}.provider`, wanted, providers, 'no configured source is of that provider');
  requireKnown(`${handler}.source`, valuesOf(filter.source), names, 'no configured source has that name');
  requireKnown(
    `${handler}.trigger`,
    valuesOf<string>(filter.trigger),
    Object.keys(TRIGGERS),
    'there is no such trigger',
  );
  for (const source of valuesOf(filter.source)) {
    const provider = sources.find(({ name }) => name === source)?.provider ?? '';
    if (wanted.length === 0 || wanted.includes(provider)) continue;
    throw new ConfigurationError(
      `${handler}.source`,
      `found "${source}", which is of provider "${provider}", and a filter on ${wanted.join(' or ')}; nothing can fit both`,
    );
  }
}

function requireKnown(option: string, wanted: readonly string[], known: readonly string[], but: string): void {
  const found = wanted.find((name) => !known.includes(name));
  if (found === undefined) return;
  const expected = `expected one of ${known.join(', ')}${didYouMean(found, known)}`;
  throw new ConfigurationError(option, `found "${found}", but ${but}; ${expected}`);
}
