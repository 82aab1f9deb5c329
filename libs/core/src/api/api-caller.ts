import { LIMITS } from '../limits.js';
import type { ApiHost } from '../sources/provider-api.js';
import { timers } from '../time/timers.js';
import { boundedStream, readAll } from './answer-body.js';
import { Deadline } from './deadline.js';
import { isTransient, transportFailureOf } from './call-failure.js';
import {
  ProviderApiError,
  ProviderCooldownError,
  type ProviderApiErrorReason,
  UNCERTAIN_REASONS,
} from './provider-api-error.js';
import { quotedMessage } from './quoted-message.js';
import { serverTimeOf, waitAfter429 } from './retry-after.js';

/** Settings of an {@link ApiCaller}. */
export interface ApiCallerSettings {
  /** Name of the provider in errors, for example `dbt Cloud`. */
  readonly provider: string;
  /** Address that all paths are appended to, as `checkApiUrl` returns it. */
  readonly baseUrl: string;
  /** Account, or workspace, that a cooldown applies to. */
  readonly accountId: string;
  readonly host: ApiHost;
  /** Cooldown after a 429 that does not say how long to wait, in milliseconds. */
  readonly cooldownMs: number;
  /** Returns the provider's own message to users from the JSON of an error, or `undefined`. */
  userMessageOf(body: unknown): string | undefined;
  /** Remedies for this provider, without a period. @default a general remedy */
  readonly remedies?: Readonly<Partial<Record<ProviderApiErrorReason, string>>>;
  /** Resolves after `ms`. @default a timer */
  pause?(ms: number): Promise<void>;
}

/** A call to an API. */
export interface ApiCall {
  /** The call in words, for errors: `get run 123 of account 4`. */
  readonly asked: string;
  readonly method: 'GET' | 'POST';
  /** Path and query, percent-encoded. */
  readonly path: `/${string}`;
  /** Headers, with the token. */
  readonly headers: Readonly<Record<string, string>>;
  /** A value to send as JSON. @default none */
  readonly body?: object;
  /**
   * Whether the call changes nothing, so that it can be repeated after a failure.
   * @default true for GET
   */
  readonly isRepeatable?: boolean;
  /**
   * Whether the call asks for a list. A list always exists, so a 404 means that the token may not read it: `forbidden`.
   * @default false
   */
  readonly isList?: boolean;
  /** Aborts the call. The call then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Time for the whole answer; for a stream, for its start and for each chunk.
   * @default 15_000
   */
  readonly timeoutMs?: number;
  /** @default 33_554_432 (32 MiB) */
  readonly bytesMax?: number;
}

/** An answer with a 2xx status. */
export interface ApiAnswer<T> {
  readonly value: T;
  readonly status: number;
  /** Time of the server (`Date`), with a precision of a second. */
  readonly serverTime?: Date;
}

/** Reads an answer before its deadline ends. */
type Read<T> = (response: Response, deadline: Deadline) => T | Promise<T>;

const GENERAL_REMEDIES: Readonly<Record<ProviderApiErrorReason, string>> = {
  unauthorized: 'Check the token, and that the configured address is the one of this account',
  forbidden: 'Give the token the missing right',
  'not-found': 'Check the ids',
  'rate-limited': 'Wait',
  refused: 'Check the arguments and the configured address',
  unavailable: 'Try again later',
  timeout: 'Try again later',
  'invalid-answer': 'Check that the configured address is that of the API, and that no proxy changes its answers',
  'too-large': 'Raise the limit of bytes, or read it as a stream',
  'invalid-request': 'Correct the argument',
  'no-token': 'Configure the token',
};

/**
 * Calls one account of a provider's API with the global `fetch`.
 *
 * It follows no redirects, because `fetch` would send the token along. It makes no calls while the account cools down after
 * a 429. A call that changes nothing is repeated up to twice after a failure of the transport, 408, 500, 502, 503 or 504.
 *
 * Errors contain no URL and no token, and have no `cause`, because the causes of `fetch` name hosts and addresses.
 */
export class ApiCaller {
  readonly #settings: ApiCallerSettings;
  readonly #hostName: string;

  constructor(settings: ApiCallerSettings) {
    this.#settings = settings;
    this.#hostName = new URL(settings.baseUrl).host;
  }

  /** Returns the JSON of an answer. */
  json(call: ApiCall): Promise<ApiAnswer<unknown>> {
    return this.#call(call, 'application/json', async (response) => {
      const text = await readText(response, call.bytesMax);
      try {
        return JSON.parse(text) as unknown;
      } catch {
        throw this.#errorAbout(call, 'invalid-answer', `expected JSON, got ${describeBody(response, text)}`);
      }
    });
  }

  /**
   * Returns the bytes of an answer as a stream, which fails with a {@link ProviderApiError}. Read it to the end, or cancel
   * it. HTML is an invalid answer, because gateways write it.
   */
  stream(call: ApiCall): Promise<ApiAnswer<ReadableStream<Uint8Array>>> {
    return this.#call(call, '*/*', (response, deadline) => {
      if (isHtml(response)) {
        throw this.error(call.asked, 'invalid-answer', 'expected a file, got HTML', response.status);
      }
      return boundedStream(response.body ?? noBody(), {
        bytesMax: call.bytesMax ?? LIMITS.apiAnswerBytesMax,
        deadline,
        failed: (error) => this.#errorOf(call, error, deadline, true),
      });
    });
  }

  /** Returns an error about a call, with the remedy for its reason. `found` has no period at its end. */
  error(asked: string, reason: ProviderApiErrorReason, found: string, status?: number): ProviderApiError {
    return this.#errorAbout({ asked, method: 'GET' }, reason, found, status);
  }

  /** Returns an error about a call. One that changes something may have been carried out although its answer is missing. */
  #errorAbout(
    call: Pick<ApiCall, 'asked' | 'method' | 'isRepeatable'>,
    reason: ProviderApiErrorReason,
    found: string,
    status?: number,
  ): ProviderApiError {
    const isUncertain = !canRepeat(call) && UNCERTAIN_REASONS.includes(reason);
    const remedy = this.#settings.remedies?.[reason] ?? GENERAL_REMEDIES[reason];
    const todo = isUncertain ? 'The call may have been carried out all the same' : remedy;
    return new ProviderApiError({ reason, asked: `${this.#settings.provider}: ${call.asked}`, found, todo, status });
  }

  async #call<T>(call: ApiCall, accept: string, read: Read<T>): Promise<ApiAnswer<T>> {
    const { pause = timers.pause } = this.#settings;
    for (let repeats = 0; ; repeats++) {
      await this.#requireWarm(call);
      try {
        return await this.#callOnce(call, accept, read);
      } catch (error) {
        if (!canRepeat(call) || repeats >= LIMITS.apiRepeatsMax || !isTransient(error)) throw error;
      }
      await pause(LIMITS.apiRepeatDelayMs * 2 ** repeats);
    }
  }

  async #callOnce<T>(call: ApiCall, accept: string, read: Read<T>): Promise<ApiAnswer<T>> {
    const { method, path, headers, body, signal, timeoutMs = LIMITS.apiTimeoutMs } = call;
    const deadline = new Deadline(timeoutMs, signal);
    let isKept = false;
    let response: Response | undefined;
    try {
      response = await fetch(this.#settings.baseUrl + path, {
        method,
        headers: { accept, ...(body && { 'content-type': 'application/json' }), ...headers },
        ...(body && { body: JSON.stringify(body) }),
        // The same as `error` for the token, but the status of the answer can be shown.
        redirect: 'manual',
        signal: deadline.signal,
      });
      if (!response.ok) throw await this.#refusal(call, response);
      const value = await read(response, deadline);
      isKept = value instanceof ReadableStream;
      const serverTime = serverTimeOf(response.headers);
      return { value, status: response.status, ...(serverTime && { serverTime }) };
    } catch (error) {
      throw this.#errorOf(call, error, deadline, response !== undefined);
    } finally {
      if (!isKept) {
        deadline.end();
        // Frees the connection if the body was not read.
        if (response && !response.bodyUsed) await response.body?.cancel().catch(() => undefined);
      }
    }
  }

  /** Throws while the account cools down. */
  async #requireWarm({ asked, signal }: ApiCall): Promise<void> {
    signal?.throwIfAborted();
    const { host, accountId, provider } = this.#settings;
    const until = await host.cooldownUntil(this.#hostName, accountId);
    const now = host.now();
    if (until === undefined || until <= now) return;
    // A later time was stored before a clock was set back.
    if (until.getTime() - now.getTime() > LIMITS.apiCooldownMsMax) return;
    throw new ProviderCooldownError(
      { asked: `${provider}: ${asked}`, found: 'not called, because the account received a 429 before' },
      until,
      now,
    );
  }

  async #refusal(call: ApiCall, response: Response): Promise<ProviderApiError> {
    const { status } = response;
    const message = this.#userMessage(call, await readText(response, LIMITS.apiErrorBytesMax).catch(() => ''));
    const found = `expected a 2xx status, got ${status}${message === undefined ? '' : `: "${message}"`}`;
    if (status === 429) return this.#coolDown(call, response, found);
    const reason = reasonOf(status, call.isList ?? false);
    return this.#errorAbout(call, reason, found, status);
  }

  async #coolDown({ asked }: ApiCall, response: Response, found: string): Promise<ProviderCooldownError> {
    const { host, accountId, provider, cooldownMs } = this.#settings;
    const now = host.now();
    const until = new Date(now.getTime() + waitAfter429(response.headers, cooldownMs, now));
    await host.coolDown(this.#hostName, accountId, until);
    return new ProviderCooldownError({ asked: `${provider}: ${asked}`, found, status: 429 }, until, now);
  }

  #userMessage({ headers }: ApiCall, body: string): string | undefined {
    try {
      const message = this.#settings.userMessageOf(JSON.parse(body));
      return message === undefined ? undefined : quotedMessage(message, headers);
    } catch {
      return undefined;
    }
  }

  /** Returns the error for anything that was thrown during a call. */
  #errorOf(call: ApiCall, error: unknown, deadline: Deadline, began: boolean): unknown {
    const { signal, timeoutMs, bytesMax } = call;
    if (signal?.aborted) return signal.reason;
    const found = transportFailureOf(error, {
      isOver: deadline.isOver,
      began,
      timeoutMs: timeoutMs ?? LIMITS.apiTimeoutMs,
      bytesMax: bytesMax ?? LIMITS.apiAnswerBytesMax,
    });
    return found ? this.#errorAbout(call, found.reason, found.found) : error;
  }
}

function canRepeat({ method, isRepeatable = method === 'GET' }: Pick<ApiCall, 'method' | 'isRepeatable'>): boolean {
  return isRepeatable;
}

function reasonOf(status: number, isList: boolean): ProviderApiErrorReason {
  if (status === 401) return 'unauthorized';
  if (status === 403) return 'forbidden';
  if (status === 404) return isList ? 'forbidden' : 'not-found';
  return status === 408 || status >= 500 ? 'unavailable' : 'refused';
}

async function readText(response: Response, bytesMax: number = LIMITS.apiAnswerBytesMax): Promise<string> {
  return new TextDecoder().decode(await readAll(response.body ?? noBody(), bytesMax));
}

async function* noBody(): AsyncGenerator<Uint8Array> {}

function isHtml({ headers }: Response): boolean {
  return /^text\/html\b/i.test(headers.get('content-type') ?? '');
}

/** Describes a body that is not JSON, without quoting it. */
function describeBody(response: Response, text: string): string {
  if (text.trim() === '') return 'an empty answer';
  if (isHtml(response) || /^\s*<(?:!doctype|html)\b/i.test(text)) return 'HTML';
  return /^\s*[[{]/.test(text) ? 'JSON that is cut or damaged' : 'other text';
}
