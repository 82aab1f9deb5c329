import { setTimeout as sleep } from 'node:timers/promises';
import { monotonicMs } from '../monotonic.js';
import { quantile } from '../quantile.js';
import { Connection } from './connection.js';
import { runId, SENDERS, type SenderName, type Signed } from './senders.js';

export interface PacedOrder {
  readonly kind: 'paced';
  readonly port: number;
  readonly sender: SenderName;
  readonly connections: number;
  readonly perSecond: number;
  readonly requests: number;
  readonly firstNumber: number;
  /** Returns the time of sending for each request if set. */
  readonly returnsSentAt?: boolean;
}

export interface PacedResult {
  readonly seconds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly failures: number;
  /** Times of sending by run id, in milliseconds of the system's monotonic clock. */
  readonly sentAtMs: Readonly<Record<string, number>>;
}

/**
 * Sends requests at an even rate, whether or not earlier ones got a response. If no connection is free, the latency
 * counts from when the request was due.
 */
export async function paced(order: PacedOrder): Promise<PacedResult> {
  const { port, sender, connections, perSecond, requests, firstNumber, returnsSentAt = false } = order;
  const made = Array.from({ length: requests }, (_, index) => toBytes(SENDERS[sender](firstNumber + index), port));
  const free = await Promise.all(Array.from({ length: connections }, () => Connection.open(port)));
  const everyConnection = [...free];
  const waiting: ((connection: Connection) => void)[] = [];
  const sentAtMs: Record<string, number> = {};
  const latencies: number[] = [];
  let failures = 0;
  const sendOne = async (index: number): Promise<void> => {
    const sentAt = monotonicMs();
    if (returnsSentAt) sentAtMs[runId(firstNumber + index)] = sentAt;
    const connection = free.pop() ?? (await new Promise<Connection>((resolve) => waiting.push(resolve)));
    const status = await connection.send(made[index] as Buffer);
    latencies.push(monotonicMs() - sentAt);
    if (status !== 200) failures += 1;
    const next = waiting.shift();
    if (next) next(connection);
    else free.push(connection);
  };
  const startedAt = monotonicMs();
  const sending: Promise<void>[] = [];
  while (sending.length < requests) {
    const due = Math.min(requests, Math.floor(((monotonicMs() - startedAt) / 1_000) * perSecond) + 1);
    while (sending.length < due) sending.push(sendOne(sending.length));
    await sleep(1);
  }
  await Promise.all(sending);
  const seconds = (monotonicMs() - startedAt) / 1_000;
  for (const connection of everyConnection) connection.close();
  latencies.sort((a, b) => a - b);
  return { seconds, p50Ms: quantile(latencies, 0.5), p99Ms: quantile(latencies, 0.99), failures, sentAtMs };
}

function toBytes({ path, headers, body }: Signed, port: number): Buffer {
  const lines = Object.entries({
    host: `127.0.0.1:${port}`,
    'content-type': 'application/json',
    'content-length': String(Buffer.byteLength(body)),
    ...headers,
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.from(`POST ${path} HTTP/1.1\r\n${lines.join('')}\r\n${body}`);
}
