import { matchesPattern } from './glob.js';
import type { ProviderName } from '../events/provider-payloads.js';
import type { NodeKind, NodeName } from '../nodes/node-result.js';
import type { Reference, Run, RunTrigger } from '../runs/run.js';

/** A value, or an array of which one value must match. */
export type OneOrMore<T> = T | readonly T[];

/**
 * Filter for the events of a handler. An event must match every field that is set. `account`, `project`, `environment` and
 * `job` are an id, a name, or a pattern for either, in which only `*` is special.
 */
export interface EventFilter {
  readonly provider?: OneOrMore<ProviderName>;
  /** Name of a configured source. */
  readonly source?: OneOrMore<string>;
  /** Account of dbt Cloud, or workspace of Paradime (uid or name). */
  readonly account?: OneOrMore<string>;
  /** Project of dbt Cloud, or workspace of Paradime. */
  readonly project?: OneOrMore<string>;
  readonly environment?: OneOrMore<string>;
  readonly job?: OneOrMore<string>;
  /** Kind of the run's trigger; `unknown` if the provider does not report it. */
  readonly trigger?: OneOrMore<RunTrigger['kind']>;
}

/** Filter for events about nodes. An event must match every field that is set. */
export interface NodeFilter {
  /** Kind of the node, for example `test`. */
  readonly kind?: OneOrMore<NodeKind>;
  /** Name or `unique_id` of the node, or a pattern for either, in which only `*` is special. */
  readonly node?: OneOrMore<string>;
  /** Package or project that defines the node, or a pattern for it. */
  readonly package?: OneOrMore<string>;
}

/** Facts that filters match. A message without a run matches no filter on fields of runs. */
export interface Filterable {
  readonly provider: string;
  readonly source: string;
  readonly run?: Run;
}

/** Facts that routing uses. All of them are stored with the event, so that a replay is routed in the same way. */
export interface Routable extends Filterable {
  readonly type: string;
  readonly messageType?: string;
  /** Whether the event was parsed after a later state of its run or job. */
  readonly late?: boolean;
  /** Id of the only handler that receives the event. */
  readonly handlerId?: string;
  /** Node that the event is about. */
  readonly node?: NodeName;
  /** Whether the event is of an isolated run. */
  readonly isolated?: boolean;
}

/** Returns whether an event matches a filter. */
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

/** Returns whether the node of an event matches a filter. An event without a node matches any filter. */
export function matchesNode(filter: NodeFilter, node: NodeName | undefined): boolean {
  if (!node) return true;
  return (
    isOneOf(filter.kind, node.kind) &&
    refersTo(filter.node, { id: node.uniqueId, name: node.name }) &&
    refersTo(filter.package, node.package === undefined ? undefined : { id: node.package })
  );
}

/** Returns the values of a filter field. */
export function valuesOf<T extends string>(wanted: OneOrMore<T> | undefined): readonly T[] {
  if (wanted === undefined) return [];
  return typeof wanted === 'string' ? [wanted] : wanted;
}

function isOneOf(wanted: OneOrMore<string> | undefined, value: string | undefined): boolean {
  return wanted === undefined || (value !== undefined && valuesOf(wanted).includes(value));
}

/** Returns whether the id or the name matches, or no pattern is set. */
export function refersTo(wanted: OneOrMore<string> | undefined, reference: Reference | undefined): boolean {
  if (wanted === undefined) return true;
  const { id, name } = reference ?? {};
  return valuesOf(wanted).some(
    (pattern) =>
      (id !== undefined && matchesPattern(pattern, id)) || (name !== undefined && matchesPattern(pattern, name)),
  );
}
