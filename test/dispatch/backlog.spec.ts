import { afterEach, expect, it } from '@jest/globals';
import type { Store } from 'nestjs-runhooks/core';
import { LIMITS } from 'nestjs-runhooks/internal';
import { DispatchHarness, held, openStore, until } from './dispatch-harness.js';

const MINUTE = 60_000;
let harness: DispatchHarness;

afterEach(() => harness.close());

it('reports no stuck run when its end is stored behind more messages than one claim takes', async () => {
  harness = await DispatchHarness.open();
  const stuck: string[] = [];
  harness.on('watch', ({ id }) => stuck.push(id), { on: { stuck: { afterMs: 30 * MINUTE } } });
  for (const run of ['ends', 'hangs']) await harness.send({ run, types: ['run.started'] });
  for (let run = 0; run < 2 * LIMITS.claimMax; run += 1) await harness.send({ run: `${run}` });
  await harness.send({ run: 'ends' });
  harness.clock.advance(60 * MINUTE);
  await harness.idle();
  expect(stuck).toEqual(['run.stuck:probe/1/hangs/watch']);
});

it('runs due deliveries while a slow recording of messages is in progress', async () => {
  const recording = held();
  let isSlow = false;
  let isRecording = false;
  const store = await openStore();
  const record: Store['record'] = async (...args) => {
    isRecording = isSlow;
    if (isSlow) await recording.promise;
    return await store.record(...args);
  };
  harness = await DispatchHarness.open({
    concurrency: 1,
    store: new Proxy(store, {
      get(target, verb) {
        const member: unknown = verb === 'record' ? record : Reflect.get(target, verb, target);
        return typeof member === 'function' ? (member.bind(target) as unknown) : member;
      },
    }),
  });
  const first = held();
  const handled: string[] = [];
  harness.on('handler', async ({ id }) => {
    if (handled.length === 0) await first.promise;
    handled.push(id);
  });
  for (const run of ['1', '2', '3']) await harness.send({ run });
  harness.dispatcher.start();
  await until(async () => (await harness.deliveries('handler')).length === 3);
  isSlow = true;
  await harness.send({ run: '4' });
  await until(() => isRecording);
  first.release();
  await until(() => handled.length === 3);
  recording.release();
  await until(() => handled.length === 4);
});
