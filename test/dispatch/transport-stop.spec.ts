import { expect, it } from '@jest/globals';
import type { DispatchTransport } from 'nestjs-runhooks/core';
import { DispatchHarness, held, openStore, until } from './dispatch-harness.js';

it('what a transport was asked when it was stopped fails, which is nothing to speak of', async () => {
  const stopping = held();
  let isAsked = false;
  const transport: DispatchTransport = {
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
  const harness = await DispatchHarness.open({ store: await openStore(), transport });
  const handled: string[] = [];
  harness.on('handler', ({ id }) => handled.push(id));
  harness.dispatcher.start();
  await harness.send();
  await until(() => isAsked);
  await harness.close();
  expect(harness.lines).toEqual([]);
  // Nor is it claimed: the process ends.
  expect(handled).toEqual([]);
});
