import { type ApiHost, ProviderApiError, type ApiAnswer, type ApiCall, ApiCaller } from 'nestjs-runhooks/core';
import { DBT_CLOUD_LIMITS } from '../limits.js';
import type { ApiRight, ApiSettings } from './api-options.js';
import { fieldsOf, readEach, readPlace, textOf } from './api-readers.js';
import { queryOf, type Query } from './query.js';

/** A call of the Administrative API. */
export interface AdminCall {
  readonly right: ApiRight;
  /** The call in words, without the account: `get run 123`. */
  readonly asked: string;
  readonly version: 'v2' | 'v3';
  /**
   * A `POST` is never repeated.
   * @default 'GET'
   */
  readonly method?: 'GET' | 'POST';
  /** Parts of the path below the account. Each is encoded alone, so that none can contain a slash. */
  readonly path: readonly string[];
  /**
   * Whether the path ends with a slash. All do, except those of artifacts and of webhooks.
   * @default true
   */
  readonly slash?: boolean;
  readonly query?: Query;
  /** A value to send as JSON. @default none */
  readonly body?: object;
  /** @default false */
  readonly isList?: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** A page of a list. */
export interface AdminPage {
  readonly items: readonly unknown[];
  /** Whether the list goes on. */
  readonly hasMore: boolean;
  readonly serverTime: Date | undefined;
}

/** An answer of the API, without its envelope. */
export interface AdminAnswer {
  readonly data: unknown;
  /** Number of all items of a list, whatever the page. */
  readonly totalCount: number | undefined;
  readonly serverTime: Date | undefined;
}

/** Permission sets with the least rights, by their names in dbt Cloud. */
const PERMISSION_SETS: Readonly<Record<ApiRight, string>> = {
  read: 'Job Viewer',
  act: 'Job Runner',
  webhooks: 'Webhooks Only',
};

/** Calls one account of the Administrative API, with the token that a call needs. */
export class AdminCaller {
  readonly #settings: ApiSettings;
  readonly #host: ApiHost;
  /** One for each token, because errors name the option of the token. Cooldowns are those of the account. */
  readonly #callers = new Map<ApiRight, ApiCaller>();
  #accountId: string | undefined;

  constructor(settings: ApiSettings, host: ApiHost) {
    this.#settings = settings;
    this.#host = host;
    this.#accountId = settings.accountId;
  }

  /** Whether the source has the token. */
  has(right: ApiRight): boolean {
    return this.#settings.tokens[right] !== undefined;
  }

  /** Returns the data of an answer in the envelope of the API. */
  async json(call: AdminCall): Promise<AdminAnswer> {
    const { caller, accountId } = await this.#ready(call);
    const { value, serverTime } = await caller.json(this.#callOf(call, accountId));
    const envelope = fieldsOf(value);
    if (!envelope || !('data' in envelope)) {
      throw this.invalid(call, 'expected an envelope with data, got other JSON');
    }
    const { total_count: totalCount } = fieldsOf(fieldsOf(envelope['extra'])?.['pagination']) ?? {};
    return {
      data: envelope['data'],
      totalCount: typeof totalCount === 'number' ? totalCount : undefined,
      serverTime,
    };
  }

  /** Returns the object of an answer. `noun` names it in the error of an answer without one. */
  async one<T>(call: AdminCall, readItem: (value: unknown) => T | undefined, noun: string): Promise<T> {
    const item = readItem((await this.json(call)).data);
    if (item !== undefined) return item;
    throw this.invalid(call, `expected ${noun} with its ids, got another value`);
  }

  /** Returns the page of a list that begins at `offset`. A list that is null is empty. */
  async page(call: AdminCall, offset: number): Promise<AdminPage> {
    const { data, totalCount, serverTime } = await this.json(call);
    if (data !== null && !Array.isArray(data)) throw this.invalid(call, 'expected an array, got another value');
    const items: readonly unknown[] = data ?? [];
    // Without a total, a full page can have a next one.
    const isLast =
      totalCount === undefined ? items.length < DBT_CLOUD_LIMITS.pageItemsMax : offset + items.length >= totalCount;
    return { items, hasMore: items.length > 0 && !isLast, serverTime };
  }

  /**
   * Returns the account that calls with this token ask.
   *
   * @throws {ProviderApiError} `no-token` if the source has no such token.
   */
  async accountOf(call: Pick<AdminCall, 'right' | 'asked' | 'signal'>): Promise<string> {
    this.#tokenOf(call.right, call.asked);
    return (await this.#ready(call)).accountId;
  }

  /** Returns the JSON of a file, which has no envelope. dbt's own client asks for any type here, because JSON is refused. */
  async file(call: AdminCall): Promise<unknown> {
    const { caller, accountId } = await this.#ready(call);
    return (await caller.json(this.#callOf(call, accountId, { accept: '*/*' }))).value;
  }

  /** Returns a file as a stream. */
  async fileStream(call: AdminCall, bytesMax: number | undefined): Promise<ReadableStream<Uint8Array>> {
    const { caller, accountId } = await this.#ready(call);
    const answer: ApiAnswer<ReadableStream<Uint8Array>> = await caller.stream({
      ...this.#callOf(call, accountId),
      ...(bytesMax !== undefined && { bytesMax }),
    });
    return answer.value;
  }

  /** Returns an error about an answer that is not what the API documents. */
  invalid({ asked }: AdminCall, found: string): ProviderApiError {
    return new ProviderApiError({
      reason: 'invalid-answer',
      asked: `dbt Cloud: ${asked}`,
      found,
      todo: `Check that ${this.#settings.option}.baseUrl is the address of the API`,
    });
  }

  #callOf(call: AdminCall, account: string, headers = {}): ApiCall {
    const {
      right,
      asked,
      version,
      method = 'GET',
      path,
      slash = true,
      query = {},
      body,
      isList = false,
      signal,
    } = call;
    return {
      asked: `${asked} of account ${account}`,
      method,
      isRepeatable: method === 'GET',
      ...(body && { body }),
      path: `/api/${version}/accounts/${account}/${this.#pathOf(asked, path)}${slash ? '/' : ''}${queryOf(query)}`,
      headers: { ...headers, authorization: `Token ${this.#tokenOf(right, asked)}` },
      isList,
      signal,
    };
  }

  #pathOf(asked: string, parts: readonly string[]): string {
    // `.` and `..` would lead to another path.
    const odd = parts.find((part) => part === '' || /^\.{1,2}$/.test(part));
    if (odd === undefined) return parts.map(encodeURIComponent).join('/');
    throw new ProviderApiError({
      reason: 'invalid-request',
      asked: `dbt Cloud: ${asked}`,
      found: 'expected an id or a path without empty parts, "." and "..", got another value',
      todo: 'Correct the argument',
    });
  }

  #tokenOf(right: ApiRight, asked: string): string {
    const token = this.#settings.tokens[right];
    if (token !== undefined) return token;
    throw new ProviderApiError({
      reason: 'no-token',
      asked: `dbt Cloud: ${asked}`,
      found: `expected ${this.#settings.option}.${right}Token, got undefined`,
      todo: 'Set the option, or do not make this call',
    });
  }

  async #ready({
    right,
    asked,
    signal,
  }: Pick<AdminCall, 'right' | 'asked' | 'signal'>): Promise<{ accountId: string; caller: ApiCaller }> {
    this.#accountId ??= await this.#onlyAccount(right, this.#tokenOf(right, asked), signal);
    const accountId = this.#accountId;
    const caller = this.#callers.get(right) ?? this.#callerFor(accountId, right);
    this.#callers.set(right, caller);
    return { accountId, caller };
  }

  /** A service token belongs to one account. */
  async #onlyAccount(right: ApiRight, token: string, signal: AbortSignal | undefined): Promise<string> {
    const asked = 'list the accounts of the token';
    const { value } = await this.#callerFor('', right).json({
      asked,
      method: 'GET',
      path: '/api/v3/accounts/',
      headers: { authorization: `Token ${token}` },
      isList: true,
      signal,
    });
    const accounts = readEach(fieldsOf(value)?.['data'], readPlace);
    const [first] = accounts;
    if (first && accounts.length === 1) return first.id;
    throw new ProviderApiError({
      reason: 'invalid-request',
      asked: `dbt Cloud: ${asked}`,
      found: `expected one account, got ${accounts.length}`,
      todo: `Set ${this.#settings.option}.accountId`,
    });
  }

  #callerFor(accountId: string, right: ApiRight): ApiCaller {
    const { baseUrl, option } = this.#settings;
    const token = `${option}.${right}Token`;
    return new ApiCaller({
      provider: 'dbt Cloud',
      baseUrl,
      accountId,
      host: this.#host,
      cooldownMs: DBT_CLOUD_LIMITS.cooldownMs,
      userMessageOf: (body) => textOf(fieldsOf(fieldsOf(body)?.['status'])?.['user_message']),
      remedies: {
        unauthorized:
          `Check ${token}, and that ${option}.accessUrl is the address of your account's cell: ` +
          'at that of another cell, a valid token gets the same answer',
        forbidden: `Give the token of ${token} the permission set ${PERMISSION_SETS[right]}`,
        // The message of dbt Cloud mentions permissions in either case.
        'not-found':
          `Check the id. ${right === 'read' ? 'An artifact may not exist yet. ' : ''}dbt Cloud answers the same if ` +
          `${token} lacks the right (permission set ${PERMISSION_SETS[right]})`,
      },
    });
  }
}
