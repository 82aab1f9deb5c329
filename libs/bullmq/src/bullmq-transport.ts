import { Queue, Worker, type Job, type RedisOptions } from 'bullmq';
// BullMQ asks for it when it first connects, which is too late to find out that it is missing.
import 'ioredis';
import type { Carried, DueDelivery, Logger, DispatchTransport } from 'nestjs-runhooks/core';
import { describeError, Reasons, timers, within } from 'nestjs-runhooks/internal';
import type { BullmqOptions, RedisConnection } from './bullmq-options.js';
import { BULLMQ_LIMITS } from './limits.js';

const QUEUE = 'deliveries';

/** All that a job knows. */
interface Carries {
  readonly id: string;
}

/**
 * One queue for all deliveries. A job is an id and is gone when it ended, however that was: then the same id may be
 * offered again. So Redis holds no more than {@link BULLMQ_LIMITS.offerMax} jobs or so, whatever waits in the inbox.
 */
export class BullmqTransport implements DispatchTransport {
  readonly #options: BullmqOptions;
  readonly #logger: Logger;
  #queue: Queue<Carries> | undefined;
  #worker: Worker<Carries> | undefined;
  readonly #runs = new Set<Promise<unknown>>();
  /** BullMQ has connected the queue once, and accepted the server. */
  #isReady = false;
  /** No worker is begun any more. */
  #isEnding = false;
  /** Nor is Redis waited for. */
  #isStopping = false;
  /** What was said to be wrong since a job last came; a connection that cannot be made says so with every try. */
  readonly #failures = new Reasons();

  constructor(options: BullmqOptions, logger: Logger) {
    this.#options = options;
    this.#logger = logger;
  }

  get description(): string {
    const { connection, prefix = 'runhooks' } = this.#options;
    return `BullMQ on Redis ${placeOf(connection)}, prefix ${prefix}`;
  }

  start({ concurrency, run }: Carried): void {
    const { connection, prefix = 'runhooks', concurrency: wanted = concurrency } = this.#options;
    const options = { ...redisOptions(connection), retryStrategy: (tries: number) => this.#retryAfterMs(tries) };
    const defaultJobOptions = { attempts: 1, removeOnComplete: true, removeOnFail: true };
    // What cannot be offered now is offered again later: it must not pile up here.
    this.#queue = new Queue(QUEUE, {
      connection: { ...options, enableOfflineQueue: false },
      prefix,
      defaultJobOptions,
    });
    this.#queue.on('error', (error) => this.#failed(error));
    const process = ({ data }: Job<Carries>): Promise<void> => this.#run(run, data);
    const begin = (): void => {
      this.#isReady = true;
      if (this.#isEnding) return;
      const worker = new Worker(QUEUE, process, {
        connection: options,
        prefix,
        concurrency: Math.min(wanted, concurrency),
      });
      this.#worker = worker;
      let [countedFromMs, errors] = [0, 0];
      worker.on('error', (error) => {
        this.#failed(error);
        const nowMs = timers.monotonicMs();
        if (nowMs - countedFromMs > BULLMQ_LIMITS.errorsMs) [countedFromMs, errors] = [nowMs, 0];
        errors += 1;
        if (errors === BULLMQ_LIMITS.errorsMax) this.#beginAgain(worker, begin);
      });
      worker.on('active', () => this.#failures.clear());
    };
    // Where a Redis is too old for BullMQ, its worker would try again without a pause, and leave no time for all else.
    this.#queue.waitUntilReady().then(begin, (error: Error) => this.#failed(error));
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
    // A polite end of BullMQ's waits for Redis, however long it is away.
    const isThere = await this.room().then(
      () => true,
      () => false,
    );
    this.#isStopping = true;
    this.#worker = undefined;
    this.#queue = undefined;
    // Before the queue is ready, `disconnect` waits until it is, while `close` ends its connection at once.
    const queueEnd = isThere || !this.#isReady ? queue.close() : queue.disconnect();
    await Promise.all([worker && closed(worker.close(!isThere)), closed(queueEnd)]);
  }

  async #run(run: Carried['run'], { id }: Carries): Promise<void> {
    const running = run(id);
    this.#runs.add(running);
    try {
      await running;
    } finally {
      this.#runs.delete(running);
    }
  }

  /** Before the first connection is made BullMQ waits for it, however long that takes. */
  async #asked<T>(ask: (queue: Queue<Carries>) => Promise<T>): Promise<T> {
    if (!this.#queue) throw new Error('it is not started');
    return await within(ask(this.#queue), BULLMQ_LIMITS.responseMs, () => {
      throw new Error(`Redis has not responded for ${BULLMQ_LIMITS.responseMs} ms`);
    });
  }

  /** What Redis refuses, BullMQ's worker asks for again without a pause: so there is one between workers. */
  #beginAgain(worker: Worker<Carries>, begin: () => void): void {
    if (this.#worker !== worker) return;
    this.#worker = undefined;
    void closed(worker.close(true));
    timers.setTimeout(begin, BULLMQ_LIMITS.reconnectMsMax).unref();
  }

  /**
   * When Redis is back that is noticed within seconds; BullMQ by itself would wait up to 20. At the end there is nothing
   * to wait for: a connection that is away when it is closed would else be tried again for ever.
   */
  #retryAfterMs(tries: number): number | null {
    return this.#isStopping ? null : Math.min(tries * BULLMQ_LIMITS.reconnectMs, BULLMQ_LIMITS.reconnectMsMax);
  }

  #failed(error: Error): void {
    const failure = describeError(error);
    if (!this.#failures.isNew(failure)) return;
    this.#logger.warn(`${this.description}: ${failure}`, { code: 'RUNHOOKS_TRANSPORT_ERROR' });
  }
}

/** Whatever becomes of it. */
async function closed(closing: Promise<unknown>): Promise<void> {
  await within(closing, BULLMQ_LIMITS.responseMs).catch(() => undefined);
}

function redisOptions(connection: RedisConnection): RedisOptions {
  return typeof connection === 'string' ? { url: connection } : { ...connection };
}

/** Without user and password. */
function placeOf(connection: RedisConnection): string {
  if (typeof connection !== 'string') return `${connection.host ?? '127.0.0.1'}:${connection.port ?? 6379}`;
  return URL.canParse(connection) ? new URL(connection).host : 'at the given URL';
}
