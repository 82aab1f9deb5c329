import type { FakeRequest, FakeResponse } from '../loopback-server.js';
import type { DbtAccount } from './dbt-account.js';

/** Right of a token. */
export type FakeDbtRight = 'read' | 'act' | 'webhooks';

/** Call of a route. */
export interface RouteCall {
  readonly account: DbtAccount;
  readonly request: FakeRequest;
  /** Parts of the path that the route names, decoded. */
  readonly parts: readonly string[];
}

/** Route of the API, below `/api/v2/accounts/{id}` or `/api/v3/accounts/{id}`. */
export interface Route {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Whole path from the version, for example `v2/runs/{}/`. `{}` is an id, and `{path}` the rest of a path. */
  readonly path: string;
  /** Any of these rights is enough. */
  readonly rights: readonly FakeDbtRight[];
  respond(call: RouteCall): FakeResponse;
}

/** Returns the expression that matches the paths of a route. */
export function matcherOf({ path }: Route): RegExp {
  const escaped = path
    .replaceAll('.', String.raw`\.`)
    .replaceAll('{}', '([^/]+)')
    .replaceAll('{path}', '(.*[^/])');
  return new RegExp(`^${escaped}$`);
}
