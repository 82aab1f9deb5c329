import { ConfigurationError } from '../errors.js';
import { LIMITS } from '../limits.js';
import type { ApiScope, ProviderApi } from './provider-api.js';
import type { OpenSource, Source } from './source.js';

/** Memory of an app's inbox for rounds and for the runs that they find. */
export interface RoundKeeping {
  /** Whether the store can keep rounds. */
  readonly hasRounds: boolean;
  /** Time that the inbox keeps deduplication keys and the states of runs, in milliseconds. */
  readonly deduplicationMs: number;
}

/**
 * Opens the access to APIs of those sources that have one. Returns the sources with it.
 *
 * @throws {ConfigurationError} if an option is invalid, if the inbox cannot keep rounds, if it forgets runs that rounds can
 *   still find, or if two sources look at the same jobs.
 */
export function openApis(
  sources: readonly OpenSource[],
  configured: readonly Source[],
  openApi: (source: Source) => ProviderApi | undefined,
  { hasRounds, deduplicationMs }: RoundKeeping,
): OpenSource[] {
  const opened = sources.map((source): OpenSource => {
    const index = configured.findIndex(({ name }) => name === source.name);
    const one = configured[index];
    const api = one && openApi(one);
    if (!api) return source;
    if (api.rounds.length > 0 && !hasRounds) {
      throw new ConfigurationError(
        `sources[${index}].api`,
        `expected an inbox that can keep rounds, got one without Store.rounds. Use sqliteInbox or postgresInbox, ` +
          `or remove the \`api\` option of source "${source.name}"`,
      );
    }
    if (api.rounds.length > 0 && deduplicationMs < LIMITS.sweptDeduplicationMsMin) {
      throw new ConfigurationError(
        'retention.deduplicationMs',
        `expected at least ${LIMITS.sweptDeduplicationMsMin} ms (14 days), because source "${source.name}" is swept, got ` +
          `${deduplicationMs}. Otherwise a sweep finds runs again that the inbox has forgotten. Raise it, or remove the \`api\` option`,
      );
    }
    if (api.rounds.length > 0 && !source.provider.parseReported) {
      throw new ConfigurationError(
        `sources[${index}]`,
        `expected a provider with parseReported, because source "${source.name}" has rounds, got none. ` +
          'Otherwise workers could not parse what the rounds find',
      );
    }
    return { ...source, api };
  });
  refuseOverlaps(opened, configured);
  return opened;
}

function refuseOverlaps(opened: readonly OpenSource[], configured: readonly Source[]): void {
  const seen: { readonly scope: ApiScope; readonly name: string }[] = [];
  for (const { name, api } of opened) {
    for (const scope of api?.scope ?? []) {
      const other = seen.find((one) => one.name !== name && overlaps(one.scope, scope));
      if (other) {
        throw new ConfigurationError(
          `sources[${configured.findIndex((source) => source.name === name)}].sweep`,
          `expected jobs that no other source sweeps, got jobs of source "${other.name}" in the same account. ` +
            'Set `sweep` of both sources so that their jobs differ, or remove the `api` option of one',
        );
      }
      seen.push({ scope, name });
    }
  }
}

function overlaps(one: ApiScope, other: ApiScope): boolean {
  if (!canBothMatch(one.account, other.account)) return false;
  const [jobs, others] = [one.jobs ?? ['*'], other.jobs ?? ['*']];
  return jobs.some((job) => others.some((another) => canBothMatch(job, another)));
}

/** Returns whether a string exists that both patterns match. Only `*` is special, and it matches any characters. */
function canBothMatch(one: string, other: string): boolean {
  // Reachable positions in `other` after each character of `one`.
  let reached = closed(new Set([0]), other);
  for (const character of one) {
    const next = new Set<number>();
    for (const at of reached) {
      if (character === '*') for (let to = at; to <= other.length; to += 1) next.add(to);
      else if (other[at] === '*') next.add(at);
      else if (other[at] === character) next.add(at + 1);
    }
    reached = closed(next, other);
  }
  return reached.has(other.length);
}

/** Adds the positions behind stars that match nothing. */
function closed(reached: Set<number>, pattern: string): Set<number> {
  for (const at of reached) if (pattern[at] === '*') reached.add(at + 1);
  return reached;
}
