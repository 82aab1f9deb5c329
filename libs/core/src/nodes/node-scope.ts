import { defined } from '../defined.js';
import type { Reference, Run } from '../runs/run.js';
import type { NodeScope } from './node-state.js';

/** Facts about a run that its messages do not contain. */
export interface ScopeFacts {
  /** Environment in which the job has run before. */
  readonly environment?: Reference | undefined;
  /** Target of dbt. */
  readonly target?: string | undefined;
}

/**
 * Returns the scope of a run's nodes as JSON text: account, project, environment, and the target if it is known. A run
 * without environment belongs to the one that its job has run in before. If there is none, the job takes its place.
 */
export function scopeOf(run: Run, { environment, target }: ScopeFacts = {}): string {
  const place = nameOf(run.environment) ?? nameOf(environment);
  return textOf({
    accountId: run.account.id,
    ...defined({
      project: nameOf(run.project),
      environment: place,
      jobKey: place === undefined ? run.job.key : undefined,
      target,
    }),
  });
}

/** Returns the place of a scope: the scope without target. */
export function placeOf(scope: string): string {
  const { target: _, ...place } = scopeObject(scope);
  return textOf(place);
}

/** Returns a scope as an object. */
export function scopeObject(scope: string): NodeScope {
  return JSON.parse(scope) as NodeScope;
}

function nameOf(reference: Reference | undefined): string | undefined {
  return reference?.id ?? reference?.name;
}

/** The order of members is fixed, so that equal scopes have equal texts. */
function textOf({ accountId, environment, jobKey, project, target }: NodeScope): string {
  return JSON.stringify({ accountId, environment, jobKey, project, target });
}
