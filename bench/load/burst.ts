import autocannon from 'autocannon';
import { monotonicMs } from '../monotonic.js';
import { quantile } from '../quantile.js';
import { SENDERS, type SenderName, type Signed } from './senders.js';

export interface BurstOrder {
  readonly kind: 'burst';
  readonly port: number;
  /** The sender; without one, the load sends GET requests to `/health`. */
  readonly sender?: SenderName;
  readonly connections: number;
  readonly requests: number;
  /** Number of the first message; the others follow. */
  readonly firstNumber: number;
}

export interface BurstResult {
  /** Start, by the system's monotonic clock. */
  readonly startedAtMs: number;
  /** Time from the first request to the last response. */
  readonly seconds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Responses other than 2xx, and requests without a response. */
  readonly failures: number;
  /** CPU time of the load divided by the duration. Near 1, the load itself is the limit. */
  readonly loadShare: number;
}

/**
 * Sends the given number of requests; each connection sends its next request after a response. All are signed before
 * the clock starts.
 */
export async function burst(order: BurstOrder): Promise<BurstResult> {
  const { port, connections, requests } = order;
  const lists = requestLists(order);
  const latencies: number[] = [];
  let [startedAt, endedAt, ok] = [0, 0, 0];
  let cpu = process.cpuUsage();
  await autocannon({
    url: `http://127.0.0.1:${port}/health`,
    connections,
    amount: requests,
    // Interval at which autocannon checks whether it is done.
    sampleInt: 20,
    setupClient(client) {
      const list = lists.pop();
      if (list) client.setRequests(list);
      client.on('response', (status: number, _bytes: number, durationMs: number) => {
        latencies.push(durationMs);
        if (status >= 200 && status < 300) ok += 1;
        endedAt = monotonicMs();
      });
      // The requests of the last client are built at this point, so all are.
      startedAt = monotonicMs();
      cpu = process.cpuUsage();
    },
  });
  const { user, system } = process.cpuUsage(cpu);
  const seconds = (endedAt - startedAt) / 1_000;
  latencies.sort((a, b) => a - b);
  return {
    startedAtMs: startedAt,
    seconds,
    p50Ms: quantile(latencies, 0.5),
    p99Ms: quantile(latencies, 0.99),
    failures: requests - ok,
    loadShare: (user + system) / 1e6 / seconds,
  };
}

/** Returns one list of requests per connection, so that no message is sent twice. */
function requestLists({ sender, connections, requests, firstNumber }: BurstOrder): autocannon.Request[][] {
  if (sender === undefined) return [];
  return Array.from({ length: connections }, (_, connection) =>
    Array.from({ length: requests / connections }, (__, index) =>
      toRequest(SENDERS[sender](firstNumber + index * connections + connection)),
    ),
  );
}

function toRequest({ path, headers, body }: Signed): autocannon.Request {
  return { method: 'POST', path, headers: { 'content-type': 'application/json', ...headers }, body };
}
