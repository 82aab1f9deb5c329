import { matchesPattern } from './glob.js';
import type { ProviderName } from '../events/provider-payloads.js';
import type { Reference, Run, RunTrigger } from '../runs/run.js';

/** A value, or several of which one must fit. */
export type OneOrMore<T> = T | readonly T[];

/**
 * Which events a handler wants; every field given must fit. `account`, `project`, `environment` and `job` are an id,
 * a name, or a pattern over either in which only `*` is special.
 */
export interface EventFilter {
  readonly provider?: OneOrMore<ProviderName>;
  /** Name of a configured source. */
  readonly source?: OneOrMore<string>;
  /** dbt Cloud: account. Paradime: workspace (uid or name). */
  readonly account?: OneOrMore<string>;
  /** Paradime: the workspace, too. */
  readonly project?: OneOrMore<string>;
  readonly environment?: OneOrMore<string>;
  readonly job?: OneOrMore<string>;
  /** What started the run, as far as the provider tells; where it does not, that is `unknown`. */
  readonly trigger?: OneOrMore<RunTrigger['kind']>;
}

/** What a filter looks at. A message without a run fits no filter on `account` and what follows it. */
export interface Filterable {
  readonly provider: string;
  readonly source: string;
  readonly run?: Run;
}

/** What routing looks at: all of it is stored with the event, so a replay can be routed the same way. */
export interface Routable extends Filterable {
  readonly type: string;
  readonly messageType?: string;
  /** It arrived after a later state was known. */
  readonly late?: boolean;
  /** The only handler the event is for. */
  readonly handlerId?: string;
}

/** Whether an event fits a filter. */
export function matchesFilter(filter: EventFilter, event: Filterable): boolean {
  const { run } = event;
  return (
    isOneOf(filter.provider, event.provider) &&
    isOneOf(filter.source, event.source) &&
    refersTo(filter.account, run?.account) &&
    refersTo(filter.project, run?.project) &&
    refersTo(filter.environment, run?.environment) &&
    refersTo(filter.job, run?.job) &&
    isOneOf(filter.trigger, run?.trigger.kind)
  );
}

/** The values of a filter field, as a list. */
export function valuesOf<T extends string>(wanted: OneOrMore<T> | undefined): readonly T[] {
  if (wanted === undefined) return [];
  return typeof wanted === 'string' ? [wanted] : wanted;
}

function isOneOf(wanted: OneOrMore<string> | undefined, value: string | undefined): boolean {
  return wanted === undefined || (value !== undefined && valuesOf(wanted).includes(value));
}

/** Whether the id or the name fits; true if nothing is wanted. */
export function refersTo(wanted: OneOrMore<string> | undefined, reference: Reference | undefined): boolean {
  if (wanted === undefined) return true;
  const { id, name } = reference ?? {};
  return valuesOf(wanted).some(
    (pattern) =>
      (id !== undefined && matchesPattern(pattern, id)) || (name !== undefined && matchesPattern(pattern, name)),
  );
}
