import { createHmac, randomBytes } from 'node:crypto';
import { jsonResponse, type FakeRequest, type FakeResponse } from '../loopback-server.js';
import { FAKE_LIMITS } from '../../limits.js';
import { GRAPHQL_PATH, type BoltWorkspace } from './bolt-workspace.js';
import type { FakeParadimeCredentials } from './fake-paradime-credential.js';
import { type GraphqlOperation, parseOperation } from './graphql-document.js';
import { GraphqlRefusal } from './graphql-refusal.js';
import { type Arguments, execute } from './graphql-schema.js';
import { PARADIME_SCHEMA } from './paradime-schema.js';

const FILES_PATH = '/files/';
const NOT_FOUND = {
  status: 404,
  body: '<html><body>Not Found</body></html>',
  headers: { 'content-type': 'text/html' },
};

/** API of a workspace: GraphQL over POST, and files behind presigned URLs. */
export class ParadimeApi {
  readonly #workspace: BoltWorkspace;
  readonly #credentials: FakeParadimeCredentials;
  readonly #key = randomBytes(16);

  constructor(workspace: BoltWorkspace, credentials: FakeParadimeCredentials) {
    this.#workspace = workspace;
    this.#credentials = credentials;
  }

  respond(request: FakeRequest): FakeResponse {
    if (request.path.startsWith(FILES_PATH)) return this.#file(request);
    if (request.path !== GRAPHQL_PATH) return NOT_FOUND;
    if (request.method !== 'POST') return jsonResponse(405, { detail: 'Method Not Allowed' });
    if (!/^application\/json\b/.test(request.headers['content-type'] ?? '')) {
      return jsonResponse(415, { detail: 'Expected the content type application/json.' });
    }
    const rights = this.#rightsOf(request);
    return rights.length === 0
      ? jsonResponse(401, { detail: 'Unauthorized' })
      : this.#run(request, rights.includes('act'));
  }

  #run({ body }: FakeRequest, canAct: boolean): FakeResponse {
    let operation: GraphqlOperation | undefined;
    try {
      const { query, variables } = bodyOf(body);
      operation = parseOperation(query);
      const context = { workspace: this.#workspace, canAct, presign: (id: number) => this.#presign(id) };
      const data = execute(PARADIME_SCHEMA, operation, variables, context);
      return { ...jsonResponse(200, { data }), operations: namesOf(operation) };
    } catch (error) {
      if (!(error instanceof GraphqlRefusal)) throw error;
      // Paradime responds with 200 to what it refuses.
      const response = jsonResponse(200, { data: null, errors: [{ message: error.message }] });
      return { ...response, operations: namesOf(operation) };
    }
  }

  /** Returns the rights of the credential in the headers. */
  #rightsOf({ headers }: FakeRequest): readonly ('read' | 'act')[] {
    const workspace = headers['x-paradime-workspace'];
    if (workspace !== undefined && workspace !== this.#workspace.uid) return [];
    return (['read', 'act'] as const).filter((right) => {
      const credential = this.#credentials[right];
      if (credential === undefined) return false;
      if ('apiKey' in credential) {
        return headers['x-api-key'] === credential.apiKey && headers['x-api-secret'] === credential.apiSecret;
      }
      const needsWorkspace = credential.token.startsWith('prdm_cmp_');
      return headers['authorization'] === `Bearer ${credential.token}` && (!needsWorkspace || workspace !== undefined);
    });
  }

  #presign(id: number): string {
    const expires = this.#workspace.clock.now().getTime() + FAKE_LIMITS.paradimeUrlMs;
    const query = new URLSearchParams({
      'X-Amz-Expires': String(expires),
      'X-Amz-Signature': this.#signature(id, expires),
    });
    return `${this.#workspace.origin}${FILES_PATH}${id}?${query.toString()}`;
  }

  /** Responds as S3 does to presigned URLs: it refuses other credentials beside the signature. */
  #file({ method, path, query, headers }: FakeRequest): FakeResponse {
    const id = Number(path.slice(FILES_PATH.length));
    const expires = Number(query.get('X-Amz-Expires'));
    if (method !== 'GET') return s3Error(405, 'MethodNotAllowed');
    if (['authorization', 'x-api-key', 'x-api-secret'].some((name) => headers[name] !== undefined)) {
      return s3Error(400, 'InvalidArgument');
    }
    const isSigned = query.get('X-Amz-Signature') === this.#signature(id, expires);
    if (!isSigned || this.#workspace.clock.now().getTime() > expires) return s3Error(403, 'AccessDenied');
    const content = this.#workspace.contentOf(id);
    if (content === undefined) return s3Error(404, 'NoSuchKey');
    return { status: 200, body: content, headers: { 'content-type': 'binary/octet-stream' } };
  }

  #signature(id: number, expires: number): string {
    return createHmac('sha256', this.#key).update(`${id}:${expires}`).digest('hex');
  }
}

function s3Error(status: number, code: string): FakeResponse {
  const body = `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code></Error>`;
  return { status, body, headers: { 'content-type': 'application/xml' } };
}

function namesOf(operation: GraphqlOperation | undefined): readonly string[] {
  return operation?.fields.map(({ name }) => name) ?? [];
}

function bodyOf(body: string): { query: string; variables: Arguments } {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch {
    throw new GraphqlRefusal('The body is not JSON.');
  }
  const { query, variables } = { ...(parsed as { query?: unknown; variables?: unknown } | null) };
  if (typeof query !== 'string') throw new GraphqlRefusal('Must provide query string.');
  const given = variables ?? {};
  if (typeof given !== 'object' || Array.isArray(given)) throw new GraphqlRefusal('Variables must be an object.');
  return { query, variables: { ...given } };
}
