import { afterEach, expect, it } from '@jest/globals';
import { LIMITS, type Store } from 'nestjs-runhooks/core';
import { Bench, held, openStore, until } from './bench.js';

const MINUTE = 60_000;
let bench: Bench;

afterEach(() => bench.close());

it('a run whose end is stored, behind more than is read in one go, is not stuck', async () => {
  bench = await Bench.open();
  const stuck: string[] = [];
  bench.on('watch', ({ id }) => stuck.push(id), { on: { stuck: { afterMs: 30 * MINUTE } } });
  for (const run of ['ends', 'hangs']) await bench.send({ run, types: ['run.started'] });
  for (let run = 0; run < 2 * LIMITS.claimMax; run += 1) await bench.send({ run: `${run}` });
  await bench.send({ run: 'ends' });
  bench.clock.advance(60 * MINUTE);
  await bench.idle();
  expect(stuck).toEqual(['run.stuck:probe/1/hangs/watch']);
});

it('what is due does not wait for messages that take long to be recorded', async () => {
  const recording = held();
  let isSlow = false;
  let isRecording = false;
  const store = await openStore();
  const record: Store['record'] = async (...args) => {
    isRecording = isSlow;
    if (isSlow) await recording.promise;
    return await store.record(...args);
  };
  bench = await Bench.open({
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
  bench.on('handler', async ({ id }) => {
    if (handled.length === 0) await first.promise;
    handled.push(id);
  });
  for (const run of ['1', '2', '3']) await bench.send({ run });
  bench.dispatcher.start();
  await until(async () => (await bench.deliveries('handler')).length === 3);
  isSlow = true;
  await bench.send({ run: '4' });
  await until(() => isRecording);
  first.release();
  await until(() => handled.length === 3);
  recording.release();
  await until(() => handled.length === 4);
});
