import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { PermanentError, RetryLater } from 'nestjs-runhooks/core';
import type { RunEvent, WebhookEvent } from 'nestjs-runhooks/internal';
import { DispatchHarness, held, until } from './dispatch-harness.js';

let harness: DispatchHarness;

beforeEach(async () => {
  harness = await DispatchHarness.open();
});

afterEach(() => harness.close());

const STARTED = ['run.started'] as const;
const OVER = ['run.succeeded', 'run.completed'] as const;
const TYPES = ['run.started', 'run.succeeded', 'run.completed'];

/** Returns a handler that records its start and end and detects overlapping deliveries of a lane. */
function laneWatch(laneOf: (event: RunEvent) => string) {
  const running = new Map<string, number>();
  const order: string[] = [];
  let [overlaps, most] = [0, 0];
  const run = async (event: WebhookEvent) => {
    const { type, run } = event as RunEvent;
    const lane = laneOf(event as RunEvent);
    order.push(`${run.id} ${type.replace('run.', '')}`);
    if (running.get(lane)) overlaps += 1;
    running.set(lane, (running.get(lane) ?? 0) + 1);
    most = Math.max(
      most,
      [...running.values()].reduce((sum, count) => sum + count),
    );
    await new Promise((resolve) => setImmediate(resolve));
    running.set(lane, running.get(lane)! - 1);
  };
  return { run, order, overlaps: () => overlaps, most: () => most };
}

describe("serialize: 'run'", () => {
  it('runs deliveries of one run in order without overlap, and different runs in parallel', async () => {
    const watch = laneWatch(({ run }) => run.id);
    harness.on('handler', watch.run, { types: TYPES, serialize: 'run' });
    for (let run = 0; run < 10; run++) await harness.send({ run: `${run}`, types: STARTED });
    for (let run = 0; run < 10; run++) await harness.send({ run: `${run}`, types: OVER });
    await harness.idle();
    expect(watch.overlaps()).toBe(0);
    expect(watch.most()).toBeGreaterThan(1);
    for (let run = 0; run < 10; run++) {
      const ofRun = watch.order.filter((line) => line.startsWith(`${run} `));
      expect(ofRun).toEqual([`${run} started`, `${run} succeeded`, `${run} completed`]);
    }
  });

  it('keeps the order during retries: later deliveries wait until the earlier one is finished', async () => {
    const order: string[] = [];
    harness.on(
      'handler',
      (event, { attempt }) => {
        order.push(`${event.type} ${attempt}`);
        if (event.type === 'run.started' && attempt < 3) throw new RetryLater(60_000);
      },
      { types: TYPES, serialize: 'run' },
    );
    await harness.send({ types: STARTED });
    await harness.send({ types: OVER });
    await harness.idle();
    expect(order).toEqual(['run.started 1']);
    for (let times = 0; times < 2; times++) {
      harness.clock.advance(60_000);
      await harness.idle();
    }
    expect(order).toEqual(['run.started 1', 'run.started 2', 'run.started 3', 'run.succeeded 1', 'run.completed 1']);
  });

  it('continues after a dead letter', async () => {
    const order: string[] = [];
    harness.on(
      'handler',
      ({ type }) => {
        order.push(type);
        if (type === 'run.started') throw new PermanentError('no');
      },
      { types: TYPES, serialize: 'run' },
    );
    await harness.send({ types: STARTED });
    await harness.send({ types: OVER });
    await harness.idle();
    expect(order).toEqual(TYPES);
  });

  it('waits for a running handler, however long it takes', async () => {
    const { promise, release } = held();
    const order: string[] = [];
    const run = ({ type }: WebhookEvent) => {
      order.push(type);
      return type === 'run.started' ? promise : undefined;
    };
    harness.on('handler', run, { types: TYPES, serialize: 'run' });
    await harness.send({ types: STARTED });
    await harness.send({ types: OVER });
    const idle = harness.idle();
    await until(() => order.length > 0);
    expect(order).toEqual(['run.started']);
    release();
    await idle;
    expect(order).toEqual(TYPES);
  });

  it('does not run a redriven dead letter beside a later delivery of its run', async () => {
    const { promise, release } = held();
    const order: string[] = [];
    let dies = true;
    harness.on(
      'handler',
      ({ type }) => {
        order.push(type);
        if (type === 'run.started' && dies) throw new PermanentError('no');
        return type === 'run.succeeded' ? promise : undefined;
      },
      { types: ['run.started', 'run.succeeded'], serialize: 'run' },
    );
    harness.on('witness', ({ type }) => void order.push(type), { types: ['run.failed'] });
    await harness.send({ types: STARTED });
    await harness.idle();
    await harness.send({ types: OVER });
    harness.dispatcher.start();
    await until(() => order.includes('run.succeeded'));
    dies = false;
    expect(await harness.inbox.redrive({ by: 'me' })).toBe(1);
    // The delivery is due and a slot is free, so a claim that skips it proves that its lane is occupied.
    await harness.send({ run: 'other', types: ['run.failed'] });
    await until(() => order.includes('run.failed'));
    order.pop();
    expect(order).toEqual(['run.started', 'run.succeeded']);
    release();
    await until(() => order.length === 3);
    expect(order).toEqual(['run.started', 'run.succeeded', 'run.started']);
  });

  it('delays no other handler and no other run', async () => {
    const { promise, release } = held();
    const ran: string[] = [];
    harness.on('stuck', ({ type }) => (type === 'run.started' ? promise : void ran.push('stuck')), {
      types: TYPES,
      serialize: 'run',
    });
    harness.on('other', () => void ran.push('other'), { types: TYPES, serialize: 'run' });
    await harness.send({ run: '1', types: STARTED });
    await harness.send({ run: '1', types: OVER });
    await harness.send({ run: '2', types: OVER });
    const idle = harness.idle();
    await until(() => ran.filter((id) => id === 'other').length === 5);
    await until(() => ran.filter((id) => id === 'stuck').length === 2);
    release();
    await idle;
    expect(ran.filter((id) => id === 'stuck')).toHaveLength(4);
  });
});

describe("serialize: 'job'", () => {
  it('runs deliveries of one job in order without overlap, whatever their run', async () => {
    const watch = laneWatch(({ run }) => run.job.key);
    harness.on('handler', watch.run, { serialize: 'job' });
    for (let run = 0; run < 12; run++) await harness.send({ run: `${run}`, job: `job-${run % 3}` });
    await harness.idle();
    expect(watch.overlaps()).toBe(0);
    expect(watch.most()).toBe(3);
    for (let job = 0; job < 3; job++) {
      const runs = watch.order.map((line) => Number(line.split(' ')[0])).filter((run) => run % 3 === job);
      expect(runs).toEqual([...runs].sort((a, b) => a - b));
    }
  });
});
