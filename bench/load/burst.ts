import autocannon from 'autocannon';
import { monotonicMs } from '../monotonic.js';
import { quantile } from '../quantile.js';
import { SENDERS, type SenderName, type Signed } from './senders.js';

export interface BurstOrder {
  readonly kind: 'burst';
  readonly port: number;
  /** None: GET requests to `/health`. */
  readonly sender?: SenderName;
  readonly connections: number;
  readonly requests: number;
  /** Of the first message; the others follow. */
  readonly firstNumber: number;
}

export interface BurstResult {
  /** Of the system's monotonic clock. */
  readonly startedAtMs: number;
  /** From the first request to the last answer. */
  readonly seconds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Answers that were no 2xx, and requests that were not answered. */
  readonly failures: number;
  /** CPU that the load took meanwhile, over the time: near 1, the load itself is the limit. */
  readonly loadShare: number;
}

/** As many requests as asked for, each connection sending its next one when it was answered. Signed before the clock starts. */
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
    // So often it looks whether it is done.
    sampleInt: 20,
    setupClient(client) {
      const list = lists.pop();
      if (list) client.setRequests(list);
      client.on('response', (status: number, _bytes: number, durationMs: number) => {
        latencies.push(durationMs);
        if (status >= 200 && status < 300) ok += 1;
        endedAt = monotonicMs();
      });
      // The requests of the last client are built now, so all are.
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

/** One list for each connection, so that no message is sent twice. */
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
