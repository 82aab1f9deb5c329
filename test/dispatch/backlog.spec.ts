import { afterEach, expect, it } from '@jest/globals';
import { LIMITS } from 'nestjs-runhooks/core';
import { Bench } from './bench.js';

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
