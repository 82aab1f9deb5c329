/** Calls that a fault affects. */
export interface FakeFaultScope {
  /** Number of calls, after which the fault ends. `Infinity` lasts until {@link FakeFaults.clear}. @default 1 */
  readonly times?: number;
  /** Only calls whose path matches, for example `/artifacts/`. @default all paths */
  readonly path?: RegExp;
  /** Only calls whose body matches, for example `/listBoltRuns/`. @default all bodies */
  readonly body?: RegExp;
}

/** Calls that get no response, or another one than the API would give. */
export interface FakeFailureOptions extends FakeFaultScope {
  /** Whether the fake does what was asked before it fails, so that only the response is lost. @default false */
  readonly carriedOut?: boolean;
}

/** Response instead of the one that the API would give. */
export interface FakeErrorOptions extends FakeFailureOptions {
  /** Body of the response. @default '' */
  readonly text?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Cooldown after too many calls. */
export interface FakeRateLimitOptions {
  /** Time for which every call gets a 429, in milliseconds. @default 300000, as dbt Cloud documents for an account */
  readonly cooldownMs?: number;
  /** Whether the responses have a `Retry-After`. dbt Cloud documents none for this API. @default false */
  readonly retryAfter?: boolean;
}

/**
 * Faults of a fake, which its tests switch on. Several faults of one kind are used in the order in which they were added.
 * Times follow the clock of the fake, except that of {@link slow}.
 */
export interface FakeFaults {
  /** Responds with this status. By default, it does not do what was asked. */
  respond(status: number, options?: FakeErrorOptions): void;
  /** Responds with a page in HTML, as gateways do. @param options `status` is 502 by default */
  html(options?: FakeFailureOptions & { readonly status?: number }): void;
  /** Responds with 429 to every call until a cooldown is over. */
  rateLimit(options?: FakeRateLimitOptions): void;
  /** Does what was asked, and responds `ms` milliseconds later by the system's clock. */
  slow(ms: number, scope?: FakeFaultScope): void;
  /** Does not respond, until the client disconnects or the fake is closed. By default, it does not do what was asked. */
  hang(options?: FakeFailureOptions): void;
  /**
   * Calls a function when a call has come, waits for what it returns, and goes on as without a fault. With `carriedOut`, it does
   * what was asked first, and the function runs before the response.
   *
   * @example
   * // Closes the app after the run was started, and before the app knows it.
   * dbt.faults.hold(() => app.close(), { path: /retry/, carriedOut: true });
   */
  hold(until: () => void | Promise<void>, options?: FakeFailureOptions): void;
  /** Does what was asked, and closes the connection within the body. */
  cut(scope?: FakeFaultScope): void;
  /** Lets lists show runs as they were `ms` milliseconds ago. 0 ends it. @default 90000 */
  lagLists(ms?: number): void;
  /** Lets fields that mean nothing have other values at every call. @default true */
  changeFields(on?: boolean): void;
  /** Makes artifacts of runs that end from now on available `ms` milliseconds after the end; until then they are a 404. */
  delayArtifacts(ms: number): void;
  /** Loses the next webhooks. They are never sent. @default 1 */
  loseWebhooks(count?: number): void;
  /** Sends the next webhooks twice, with the same id. @default 1 */
  repeatWebhooks(count?: number): void;
  /** Keeps the next webhooks back for `ms` milliseconds. `sendDue()` of the fake sends them. @default 1 */
  delayWebhooks(ms: number, count?: number): void;
  /** Keeps the next webhooks back until there are `count` of them, and sends them in the reverse order. @default 2 */
  reorderWebhooks(count?: number): void;
  /** Ends all faults. Webhooks that were lost stay lost. */
  clear(): void;
}
