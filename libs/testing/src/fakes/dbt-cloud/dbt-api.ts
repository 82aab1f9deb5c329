import { jsonResponse, type FakeRequest, type FakeResponse } from '../loopback-server.js';
import type { DbtAccount } from './dbt-account.js';
import { matcherOf, type FakeDbtRight, type Route } from './dbt-routes.js';
import { JOB_ROUTES } from './job-routes.js';
import { page } from './list-page.js';
import { PAGE, parseParameters } from './parameters.js';
import { notFound, Refused, statusOf } from './refused.js';
import { RUN_ROUTES } from './run-routes.js';
import { SUBSCRIPTION_ROUTES } from './subscription-routes.js';

const ROUTES: readonly (Route & { readonly matcher: RegExp })[] = [
  ...RUN_ROUTES,
  ...JOB_ROUTES,
  ...SUBSCRIPTION_ROUTES,
].map((route) => ({ ...route, matcher: matcherOf(route) }));

/** Tokens by their right. */
export type DbtTokens = Readonly<Partial<Record<FakeDbtRight, string>>>;

/** Responds to a call of the Admin API, and refuses what the provider refuses. */
export function respondToDbtCall(account: DbtAccount, tokens: DbtTokens, request: FakeRequest): FakeResponse {
  try {
    const rights = rightsOf(tokens, request.headers['authorization']);
    if (request.path === '/api/v2/whoami/') return whoami(account);
    if (request.path === '/api/v3/accounts/') return accounts(account, request);
    const [, version = '', accountId, rest = ''] = /^\/api\/(v[23])\/accounts\/([^/]+)\/(.*)$/.exec(request.path) ?? [];
    const { matching, others } = routesOf(`${version}/${rest}`, request.method);
    if (accountId !== account.id && (matching || others.length > 0))
      throw notFound('The token belongs to another account.');
    if (matching === undefined) throw noRoute(`${version}/${rest}`, others);
    requireRight(matching, rights, request.method);
    const parts = matching.matcher.exec(`${version}/${rest}`)?.slice(1).map(decodeURIComponent) ?? [];
    return matching.respond({ account, request, parts });
  } catch (error) {
    if (error instanceof Refused) return error.toResponse();
    throw error;
  }
}

function whoami({ id }: DbtAccount): FakeResponse {
  return jsonResponse(200, { data: { user: { id: 1, account_id: Number(id) } }, status: statusOf(200, 'Success!') });
}

/** Every token lists the accounts that it belongs to. */
function accounts({ id }: DbtAccount, { query }: FakeRequest): FakeResponse {
  const parameters = parseParameters(query, { ...PAGE, state: 'string', order_by: 'string' });
  return page([{ id: Number(id), name: 'Fake account', state: 1 }], (account) => account, parameters);
}

/** Returns the rights of the token. A token that stands for several rights has all of them, as one of a person. */
function rightsOf(tokens: DbtTokens, header = ''): ReadonlySet<FakeDbtRight> {
  const [, token] = /^(?:Token|Bearer) (\S+)$/.exec(header) ?? [];
  const rights = (['read', 'act', 'webhooks'] as const).filter(
    (right) => token !== undefined && tokens[right] === token,
  );
  if (rights.length === 0) throw new Refused(401, 'Invalid token.');
  return new Set(rights);
}

function routesOf(
  path: string,
  method: string,
): { matching: (typeof ROUTES)[number] | undefined; others: readonly Route[] } {
  const others = ROUTES.filter(({ matcher }) => matcher.test(path));
  return { matching: others.find((route) => route.method === method), others };
}

/** Returns the refusal of a path without this method, or with a slash too many or too few. */
function noRoute(path: string, others: readonly Route[]): Refused {
  if (others.length > 0) {
    const methods = others.map(({ method }) => method).join(', ');
    return new Refused(405, 'Method not allowed.', `The path has the methods ${methods}.`);
  }
  const other = path.endsWith('/') ? path.slice(0, -1) : `${path}/`;
  const isSlash = ROUTES.some(({ matcher }) => matcher.test(other));
  return new Refused(
    404,
    'Not found.',
    isSlash ? 'The path has a slash at its end too many or too few.' : 'Unknown path.',
  );
}

function requireRight({ rights }: Route, held: ReadonlySet<FakeDbtRight>, method: string): void {
  if (rights.some((right) => held.has(right))) return;
  const hint = `The token lacks the right ${rights.join(' or ')}.`;
  if (method === 'GET') throw notFound(hint);
  throw new Refused(403, 'You do not have permission to perform this action.', hint);
}
