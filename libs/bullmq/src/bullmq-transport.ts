import { Queue, Worker, type Job, type RedisOptions } from 'bullmq';
// BullMQ loads ioredis when it first connects, which is too late to detect that it is missing.
import 'ioredis';
import type { DispatchTarget, DueDelivery, Logger, DispatchTransport } from 'nestjs-runhooks/core';
import { FailureLog, timers, within } from 'nestjs-runhooks/internal';
import type { BullmqOptions, RedisConnection } from './bullmq-options.js';
import { BULLMQ_LIMITS } from './limits.js';

const QUEUE = 'deliveries';

/** Data of a job. */
interface JobData {
  readonly id: string;
}

/**
 * Dispatch backend with one queue for all deliveries. A job contains only an id and is removed when it ends, so that
 * the same id can be offered again. Redis therefore holds about {@link BULLMQ_LIMITS.offerMax} jobs at most, however
 * many deliveries wait in the inbox.
 */
export class BullmqTransport implements DispatchTransport {
  readonly #options: BullmqOptions;
  #queue: Queue<JobData> | undefined;
  #worker: Worker<JobData> | undefined;
  readonly #runs = new Set<Promise<unknown>>();
  /** Whether BullMQ has connected the queue once and accepted the server. */
  #isReady = false;
  /** Whether no further worker is created. */
  #isEnding = false;
  /** Whether connections to Redis are no longer retried. */
  #isStopping = false;
  /** Failures since the last job arrived. A failing connection reports its failure with every try. */
  readonly #failures: FailureLog;

  constructor(options: BullmqOptions, logger: Logger) {
    this.#options = options;
    this.#failures = new FailureLog({
      failed: (failure) => logger.warn(`${this.description}: ${failure}`, { code: 'RUNHOOKS_TRANSPORT_ERROR' }),
    });
  }

  get description(): string {
    const { connection, prefix = 'runhooks' } = this.#options;
    return `BullMQ on Redis ${placeOf(connection)}, prefix ${prefix}`;
  }

  get concurrency(): number | undefined {
    return this.#options.concurrency;
  }

  start({ concurrency, run }: DispatchTarget): void {
    const { connection, prefix = 'runhooks' } = this.#options;
    const options = { ...redisOptions(connection), retryStrategy: (tries: number) => this.#retryAfterMs(tries) };
    const defaultJobOptions = { attempts: 1, removeOnComplete: true, removeOnFail: true };
    // Without the offline queue: deliveries that cannot be offered now are offered again later.
    this.#queue = new Queue(QUEUE, {
      connection: { ...options, enableOfflineQueue: false },
      prefix,
      defaultJobOptions,
    });
    this.#queue.on('error', (error) => this.#failures.failed(error));
    const process = ({ data }: Job<JobData>): Promise<void> => this.#run(run, data);
    const begin = (): void => {
      this.#isReady = true;
      if (this.#isEnding) return;
      const worker = new Worker(QUEUE, process, { connection: options, prefix, concurrency });
      this.#worker = worker;
      let [countedFromMs, errors] = [0, 0];
      worker.on('error', (error) => {
        this.#failures.failed(error);
        const nowMs = timers.monotonicMs();
        if (nowMs - countedFromMs > BULLMQ_LIMITS.errorsMs) [countedFromMs, errors] = [nowMs, 0];
        errors += 1;
        if (errors === BULLMQ_LIMITS.errorsMax) this.#restart(worker, begin);
      });
      worker.on('active', () => this.#failures.worked());
    };
    // If Redis is too old for BullMQ, a worker would retry without a pause and block the event loop.
    this.#queue.waitUntilReady().then(begin, (error: Error) => this.#failures.failed(error));
  }

  async room(): Promise<number> {
    const waiting = await this.#asked((queue) => queue.getWaitingCount());
    return waiting < BULLMQ_LIMITS.offerMax / 2 ? BULLMQ_LIMITS.offerMax : 0;
  }

  async offer(due: readonly DueDelivery[]): Promise<void> {
    const jobs = due.map(({ id, attempt }) => ({
      name: 'delivery',
      data: { id },
      opts: { jobId: `${id}-${attempt}` },
    }));
    await this.#asked((queue) => queue.addBulk(jobs));
  }

  async stop(): Promise<void> {
    this.#isEnding = true;
    const [worker, queue] = [this.#worker, this.#queue];
    if (!queue) return;
    await worker?.pause(true);
    await Promise.allSettled(this.#runs);
    // Without `force`, BullMQ waits for Redis, however long it is unavailable.
    const isAvailable = await this.room().then(
      () => true,
      () => false,
    );
    this.#isStopping = true;
    this.#worker = undefined;
    this.#queue = undefined;
    // Before the queue is ready, `disconnect` waits for it, and `close` ends its connection at once.
    const queueEnd = isAvailable || !this.#isReady ? queue.close() : queue.disconnect();
    await Promise.all([worker && closed(worker.close(!isAvailable)), closed(queueEnd)]);
  }

  async #run(run: DispatchTarget['run'], { id }: JobData): Promise<void> {
    const running = run(id);
    this.#runs.add(running);
    try {
      await running;
    } finally {
      this.#runs.delete(running);
    }
  }

  /** Limits the time of a request: before its first connection, BullMQ waits without a limit. */
  async #asked<T>(ask: (queue: Queue<JobData>) => Promise<T>): Promise<T> {
    if (!this.#queue) throw new Error('the dispatch backend is not started');
    return await within(ask(this.#queue), BULLMQ_LIMITS.responseMs, () => {
      throw new Error(`Redis has not responded for ${BULLMQ_LIMITS.responseMs} ms`);
    });
  }

  /** Replaces a worker after a pause, because BullMQ's worker retries without a pause what Redis rejects. */
  #restart(worker: Worker<JobData>, begin: () => void): void {
    if (this.#worker !== worker) return;
    this.#worker = undefined;
    void closed(worker.close(true));
    timers.setTimeout(begin, BULLMQ_LIMITS.reconnectMsMax).unref();
  }

  /**
   * Returns a shorter delay than BullMQ's 20 seconds, so that a restarted Redis is detected within seconds. When
   * stopping, returns `null`: otherwise a closed connection to an unavailable Redis would be retried forever.
   */
  #retryAfterMs(tries: number): number | null {
    return this.#isStopping ? null : Math.min(tries * BULLMQ_LIMITS.reconnectMs, BULLMQ_LIMITS.reconnectMsMax);
  }
}

/** Waits for an end, whether it succeeds or not. */
async function closed(closing: Promise<unknown>): Promise<void> {
  await within(closing, BULLMQ_LIMITS.responseMs).catch(() => undefined);
}

function redisOptions(connection: RedisConnection): RedisOptions {
  return typeof connection === 'string' ? { url: connection } : { ...connection };
}

/** Returns the host and port, without user and password. */
function placeOf(connection: RedisConnection): string {
  if (typeof connection !== 'string') return `${connection.host ?? '127.0.0.1'}:${connection.port ?? 6379}`;
  return URL.canParse(connection) ? new URL(connection).host : 'at the given URL';
}
