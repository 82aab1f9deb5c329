import {
  ApiCaller,
  type ApiHost,
  type ProviderApiErrorReason,
  quotedMessage,
} from 'nestjs-runhooks/core';
import { PARADIME_LIMITS } from '../limits.js';
import type { ParadimeApiAccess } from './api-options.js';
import { type Fields, fieldsOf } from './api-readers.js';
import { CallGate, type GateTime } from './call-gate.js';
import type { ParadimeQuery } from './queries.js';

/** A query with its variables. */
export interface GraphqlCall {
  readonly query: ParadimeQuery;
  readonly variables: Readonly<Record<string, string | number | boolean>>;
  /** The call in words, for errors: `get run 123`. */
  readonly asked: string;
  readonly signal?: AbortSignal | undefined;
}

/** Result of a query. */
export interface GraphqlAnswer {
  readonly result: Fields;
  /** Time of the server, with a precision of a second. */
  readonly serverTime?: Date;
}

const REMEDIES: Readonly<Partial<Record<ProviderApiErrorReason, string>>> = {
  unauthorized: 'Check the token or the API key of the source, and that its endpoint is the one of the same company',
  forbidden: 'Give the token or the API key the right "Bolt schedules metadata viewer"',
  'not-found': 'Check the id, and that the run belongs to the workspace of the token or the API key',
  refused: "Check that the endpoint is the one that Paradime shows with the API keys. Paradime's API may have changed",
};

/** Sends queries to Paradime's GraphQL API, a few at a time. Reading queries are repeated as GET calls are. */
export class Graphql {
  readonly #access: ParadimeApiAccess;
  readonly #caller: ApiCaller;
  readonly #gate: CallGate;

  constructor(access: ParadimeApiAccess, host: ApiHost, time?: GateTime) {
    this.#access = access;
    this.#gate = new CallGate(access, time);
    this.#caller = new ApiCaller({
      provider: 'Paradime',
      baseUrl: access.origin,
      // A key or a token without a workspace belongs to one workspace, whose uid is unknown here.
      accountId: access.workspace ?? '-',
      host,
      cooldownMs: PARADIME_LIMITS.apiCooldownMs,
      userMessageOf: messageOf,
      remedies: REMEDIES,
      ...(time && { pause: (ms: number) => time.pause(ms) }),
    });
  }

  /**
   * Returns the result of a query.
   *
   * @throws {ProviderApiError} also for an answer 200 with `errors`, and for a result that is null (`not-found`).
   */
  ask(call: GraphqlCall): Promise<GraphqlAnswer> {
    return this.#gate.run(() => this.#ask(call));
  }

  /** Returns an error about a call, with the remedy for its reason. `found` has no period at its end. */
  error(asked: string, reason: ProviderApiErrorReason, found: string): Error {
    return this.#caller.error(asked, reason, found);
  }

  async #ask({ query, variables, asked, signal }: GraphqlCall): Promise<GraphqlAnswer> {
    const { path, headers } = this.#access;
    const { value, serverTime } = await this.#caller.json({
      asked,
      method: 'POST',
      path,
      headers,
      body: { query: query.text, variables },
      isRepeatable: true,
      signal,
    });
    const body = fieldsOf(value);
    if (Array.isArray(body?.['errors']) && body['errors'].length > 0) throw this.#refusal(asked, body);
    const data = fieldsOf(body?.['data']);
    if (!data) throw this.#caller.error(asked, 'invalid-answer', 'expected data, got none');
    const result = fieldsOf(data[query.field]);
    // The API answers null for what does not exist, or is not in the workspace.
    if (!result) throw this.#caller.error(asked, 'not-found', `expected ${query.field}, got null`);
    return { result, ...(serverTime && { serverTime }) };
  }

  /** Returns the error for an answer 200 with errors. The API documents no codes, so the words decide. */
  #refusal(asked: string, body: Fields): Error {
    const message = messageOf(body);
    const text = message === undefined ? 'without a message' : `"${quotedMessage(message, this.#access.headers)}"`;
    return this.#caller.error(asked, reasonOf(message ?? ''), `expected data, got an error: ${text}`);
  }
}

/** Returns the first message of an answer, of GraphQL or of a gateway. */
function messageOf(body: unknown): string | undefined {
  const { errors, message } = fieldsOf(body) ?? {};
  const first = Array.isArray(errors) ? fieldsOf(errors[0])?.['message'] : message;
  return typeof first === 'string' && first.trim() !== '' ? first : undefined;
}

function reasonOf(message: string): ProviderApiErrorReason {
  if (/permission|forbidden|not allowed|access denied/i.test(message)) return 'forbidden';
  if (/unauthori[sz]ed|not authori[sz]ed|unauthenticated|invalid (?:api )?(?:token|key|credentials)/i.test(message)) {
    return 'unauthorized';
  }
  return /not found|does not exist|no such|unknown (?:run|command|schedule)/i.test(message) ? 'not-found' : 'refused';
}
