/** Part of a `pg` client that the inbox uses. */
export interface PostgresClient {
  query(query: PostgresQuery): Promise<{ readonly rows: unknown[]; readonly rowCount: number | null }>;
  on(event: 'error', listener: (error: Error) => void): unknown;
  on(event: 'notification', listener: (notification: PostgresNotification) => void): unknown;
  removeListener(event: 'error', listener: (error: Error) => void): unknown;
  /** Returns the client to the pool, or closes its connection if `destroy` is `true`. */
  release(destroy?: boolean): void;
}

/** Query of a `pg` client. */
export interface PostgresQuery {
  readonly text: string;
  readonly values?: unknown[];
  readonly types?: { getTypeParser(type: number): (value: string) => unknown };
  readonly queryMode?: 'extended';
}

/** Notification of a `pg` client. */
export interface PostgresNotification {
  readonly channel: string;
  readonly payload?: string | undefined;
}

/** Part of a `pg` `Pool` that the inbox uses, from any copy of that package. */
export interface PostgresPool {
  readonly options?: { readonly max?: number | undefined };
  connect(): Promise<PostgresClient>;
  on(event: 'error', listener: (error: Error) => void): unknown;
  on(event: 'connect', listener: (client: object) => void): unknown;
  on(event: 'acquire', listener: (client: PostgresClient) => void): unknown;
  removeListener(event: 'error', listener: (error: Error) => void): unknown;
  removeListener(event: 'connect', listener: (client: object) => void): unknown;
}

/** Closes the socket without notifying the server: waiting for an unreachable server would block. */
export function cut(client: PostgresClient): void {
  const { connection } = client as { connection?: { stream?: { destroy?(): void } } };
  connection?.stream?.destroy?.();
}
