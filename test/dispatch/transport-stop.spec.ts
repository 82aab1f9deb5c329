import { expect, it } from '@jest/globals';
import type { DispatchTransport } from 'nestjs-runhooks/core';
import { DispatchHarness, held, openStore, until } from './dispatch-harness.js';

it('logs nothing when a pending transport call fails because of the stop', async () => {
  const stopping = held();
  let isPending = false;
  const transport: DispatchTransport = {
    description: 'a transport',
    start: () => undefined,
    room: async () => {
      isPending = true;
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
  await until(() => isPending);
  await harness.close();
  expect(harness.lines).toEqual([]);
  // The delivery is not claimed either, because the process ends.
  expect(handled).toEqual([]);
});
