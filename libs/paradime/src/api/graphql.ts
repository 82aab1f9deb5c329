import {
  ActionRefusedError,
  ApiCaller,
  type ApiHost,
  kindOf,
  type ProviderApiErrorReason,
  quotedMessage,
  timers,
} from 'nestjs-runhooks/core';
import { PARADIME_LIMITS } from '../limits.js';
import type { ParadimeApiAccess } from './api-options.js';
import { type Fields, fieldsOf } from './api-readers.js';
import { CallGate, type GateTime } from './call-gate.js';
import { type ParadimeMutation, REFUSAL_REMEDIES, type ParadimeRefusal } from './mutations.js';
import type { ParadimeOperation } from './queries.js';

/** A query with its variables, or a mutation. */
export interface GraphqlCall<T extends ParadimeOperation = ParadimeOperation> {
  readonly query: T;
  readonly variables: Readonly<Record<string, string | number | boolean | readonly string[]>>;
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

const REMEDIES_OF_ACTIONS: typeof REMEDIES = {
  ...REMEDIES,
  forbidden: 'Give the token or the API key the right "Bolt schedules admin"',
  'not-found': 'Check the id or the slug, and that it belongs to the workspace of the token or the API key',
  'rate-limited': 'Try again later, or raise api.concurrency or api.callsPerSecond',
};

/**
 * Sends queries and mutations to Paradime's GraphQL API, a few at a time. Queries are repeated as GET calls are, and mutations
 * never.
 */
export class Graphql {
  readonly #access: ParadimeApiAccess;
  readonly #host: ApiHost;
  readonly #time: GateTime;
  readonly #gate: CallGate;
  readonly #reader: ApiCaller;
  readonly #changer: ApiCaller;

  constructor(access: ParadimeApiAccess, host: ApiHost, time: GateTime = timers) {
    this.#access = access;
    this.#host = host;
    this.#time = time;
    this.#gate = new CallGate(access, time);
    this.#reader = this.#callerWith(REMEDIES);
    this.#changer = this.#callerWith(REMEDIES_OF_ACTIONS);
  }

  /**
   * Returns the result of a query.
   *
   * @throws {ProviderApiError} also for an answer 200 with `errors`, and for a result that is null (`not-found`).
   */
  ask(call: GraphqlCall): Promise<GraphqlAnswer> {
    return this.#gate.run(() => this.#ask(call));
  }

  /**
   * Returns the result of a mutation, which is sent once. A result counts also beside errors: a run that was started exists.
   *
   * @throws {ActionRefusedError} for an answer 200 with `errors`.
   * @throws {ProviderApiError} if those errors report a missing right or object, or a failure of the server (`unavailable`), after
   *   which it is unknown whether it was carried out; `invalid-answer` for a result that is null; `rate-limited` if nothing was
   *   sent, because the mutation waited too long for its turn.
   */
  change(call: GraphqlCall<ParadimeMutation>): Promise<Fields> {
    const sinceMs = this.#time.monotonicMs();
    return this.#gate.run(() => {
      // The lease of the action must not end before the answer comes.
      const waitedMs = this.#time.monotonicMs() - sinceMs;
      if (waitedMs <= PARADIME_LIMITS.actionTurnMsMax) return this.#change(call);
      const found = `not sent, because it waited ${Math.round(waitedMs / 1_000)} s for its turn among the calls of this process`;
      throw this.#changer.error(call.asked, 'rate-limited', found);
    });
  }

  /** Returns an error about a call, with the remedy for its reason. `found` has no period at its end. */
  error(asked: string, reason: ProviderApiErrorReason, found: string): Error {
    return this.#reader.error(asked, reason, found);
  }

  /** Returns an error about an action that was refused. `found` has no period at its end. */
  refusal(asked: string, reason: ParadimeRefusal, found: string): ActionRefusedError {
    const message = `Paradime: ${asked}: ${found}. ${REFUSAL_REMEDIES[reason]}`;
    return new ActionRefusedError({ reason, message });
  }

  /** Returns an id as a variable. */
  idOf(id: string, asked: string): number {
    const isNumber = typeof id === 'string' && /^[1-9]\d{0,9}$/.test(id);
    if (isNumber && Number(id) <= PARADIME_LIMITS.idMax) return Number(id);
    const found = typeof id === 'string' ? 'another string' : kindOf(id);
    throw this.error(asked, 'invalid-request', `expected an id from 1 to ${PARADIME_LIMITS.idMax}, got ${found}`);
  }

  async #ask(call: GraphqlCall): Promise<GraphqlAnswer> {
    const { query, asked } = call;
    const { body, serverTime } = await this.#send(this.#reader, call, true);
    if (hasErrors(body)) {
      throw this.#reader.error(
        asked,
        reasonOf(messageOf(body) ?? ''),
        `expected data, got an error: ${this.#quote(body)}`,
      );
    }
    const data = fieldsOf(body?.['data']);
    if (!data) throw this.#reader.error(asked, 'invalid-answer', 'expected data, got none');
    const result = fieldsOf(data[query.field]);
    // The API answers null for what does not exist, or is not in the workspace.
    if (!result) throw this.#reader.error(asked, 'not-found', `expected ${query.field}, got null`);
    return { result, ...(serverTime && { serverTime }) };
  }

  async #change(call: GraphqlCall<ParadimeMutation>): Promise<Fields> {
    const { query, asked } = call;
    const { body } = await this.#send(this.#changer, call, false);
    const result = fieldsOf(fieldsOf(body?.['data'])?.[query.field]);
    if (result) return result;
    const expected = `expected ${query.field}`;
    if (!hasErrors(body)) throw this.#changer.error(asked, 'invalid-answer', `${expected}, got null`);
    const message = messageOf(body);
    if (message === undefined)
      throw this.#changer.error(asked, 'invalid-answer', `${expected}, got an error without a message`);
    const found = `${expected}, got an error: ${this.#quote(body)}`;
    const refusal = query.refusals.find(([words]) => words.test(message))?.[1];
    const reason = isOfServer(message) ? 'unavailable' : reasonOf(message);
    if (refusal === undefined && reason !== 'refused') throw this.#changer.error(asked, reason, found);
    throw this.refusal(asked, refusal ?? 'other', found);
  }

  async #send(caller: ApiCaller, { query, variables, asked, signal }: GraphqlCall, isRepeatable: boolean) {
    const { path, headers } = this.#access;
    const body = { query: query.text, variables };
    const answer = await caller.json({ asked, method: 'POST', path, headers, body, isRepeatable, signal });
    return { body: fieldsOf(answer.value), serverTime: answer.serverTime };
  }

  #callerWith(remedies: typeof REMEDIES): ApiCaller {
    return new ApiCaller({
      provider: 'Paradime',
      baseUrl: this.#access.origin,
      // A key or a token without a workspace belongs to one workspace, whose uid is unknown here.
      accountId: this.#access.workspace ?? '-',
      host: this.#host,
      cooldownMs: PARADIME_LIMITS.apiCooldownMs,
      userMessageOf: messageOf,
      remedies,
      pause: (ms) => this.#time.pause(ms),
    });
  }

  #quote(body: Fields | undefined): string {
    const message = messageOf(body);
    return message === undefined ? 'without a message' : `"${quotedMessage(message, this.#access.headers)}"`;
  }
}

function hasErrors(body: Fields | undefined): boolean {
  return Array.isArray(body?.['errors']) && body['errors'].length > 0;
}

/** Returns the first message of an answer, of GraphQL or of a gateway. */
function messageOf(body: unknown): string | undefined {
  const { errors, message } = fieldsOf(body) ?? {};
  const first = Array.isArray(errors) ? fieldsOf(errors[0])?.['message'] : message;
  return typeof first === 'string' && first.trim() !== '' ? first : undefined;
}

/** Returns whether an error is about a failure within Paradime, which can come after the mutation was carried out. */
function isOfServer(message: string): boolean {
  return /internal (?:server )?error|time[d ]*out|unavailable|try again|connection/i.test(message);
}

/** The API documents no codes, so the words decide. */
function reasonOf(message: string): ProviderApiErrorReason {
  if (/permission|forbidden|not allowed|access denied/i.test(message)) return 'forbidden';
  if (/unauthori[sz]ed|not authori[sz]ed|unauthenticated|invalid (?:api )?(?:token|key|credentials)/i.test(message)) {
    return 'unauthorized';
  }
  return /not found|does not exist|no such|unknown (?:run|command|schedule)/i.test(message) ? 'not-found' : 'refused';
}
