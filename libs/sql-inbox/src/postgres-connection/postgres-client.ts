/** What is used of a client of `pg`. */
export interface PostgresClient {
  query(query: PostgresQuery): Promise<{ readonly rows: unknown[]; readonly rowCount: number | null }>;
  on(event: 'error', listener: (error: Error) => void): unknown;
  on(event: 'notification', listener: (notification: PostgresNotification) => void): unknown;
  removeListener(event: 'error', listener: (error: Error) => void): unknown;
  /** `true`: the connection is closed instead of being used again. */
  release(destroy?: boolean): void;
}

export interface PostgresQuery {
  readonly text: string;
  readonly values?: unknown[];
  readonly types?: { getTypeParser(type: number): (value: string) => unknown };
  readonly queryMode?: 'extended';
}

export interface PostgresNotification {
  readonly channel: string;
  readonly payload?: string | undefined;
}

/** What is used of a `Pool` of `pg`, of whichever copy of that package. */
export interface PostgresPool {
  readonly options?: { readonly max?: number | undefined };
  connect(): Promise<PostgresClient>;
  on(event: 'error', listener: (error: Error) => void): unknown;
  on(event: 'connect', listener: (client: object) => void): unknown;
  removeListener(event: 'error', listener: (error: Error) => void): unknown;
  removeListener(event: 'connect', listener: (client: object) => void): unknown;
}

/** Cuts the connection without a word to the server, which may not be there any more: else it would be waited for. */
export function cut(client: PostgresClient): void {
  const { connection } = client as { connection?: { stream?: { destroy?(): void } } };
  connection?.stream?.destroy?.();
}
