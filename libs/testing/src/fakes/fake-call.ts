/** Request to a fake. It contains no token. */
export interface FakeCall {
  /** When the fake received it, by the fake's clock. */
  readonly at: Date;
  readonly method: string;
  /** Path as it was sent, without the query. */
  readonly path: string;
  /** Parameters of the query. Of a repeated one, the last value. */
  readonly query: Readonly<Record<string, string>>;
  /** HTTP status of the response, or 0 if the fake did not respond. */
  readonly status: number;
  /** Body of the request, parsed if it is JSON. Absent without a body. */
  readonly body?: unknown;
  /** Fields of the root that a GraphQL call asked for, for example `listBoltRuns`. Absent without GraphQL. */
  readonly operations?: readonly string[];
}
