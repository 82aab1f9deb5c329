import { expect, it } from '@jest/globals';
import type { Transport } from 'nestjs-runhooks/core';
import { Bench, held, openStore, until } from './bench.js';

it('what a transport was asked when it was stopped fails, which is nothing to speak of', async () => {
  const stopping = held();
  let isAsked = false;
  const transport: Transport = {
    description: 'a transport',
    start: () => undefined,
    room: async () => {
      isAsked = true;
      await stopping.promise;
      throw new Error('it is closed');
    },
    offer: () => Promise.resolve(),
    stop: () => Promise.resolve(stopping.release()),
  };
  const bench = await Bench.open({ store: await openStore(), transport });
  const handled: string[] = [];
  bench.on('handler', ({ id }) => handled.push(id));
  bench.dispatcher.start();
  await bench.send();
  await until(() => isAsked);
  await bench.close();
  expect(bench.lines).toEqual([]);
  // Nor is it claimed: the process ends.
  expect(handled).toEqual([]);
});
