import { afterEach, beforeEach, expect, it, describe } from '@jest/globals';
import { ConfigurationError, LIMITS, RetryLater, type DecidedBy, type Dismissal } from 'nestjs-runhooks/core';
import { Bench, until } from './bench.js';

const WHY = { by: 'Kim', reason: 'the handler was removed in March' };
let bench: Bench;

beforeEach(async () => {
  bench = await Bench.open();
});

afterEach(() => bench.close());

describe('dismissing', () => {
  it('ends the deliveries of a handler that was removed, and keeps who decided that, when and why', async () => {
    const before = await Bench.open({ store: bench.store, clock: bench.clock });
    before.on('removed', () => Promise.reject(new RetryLater(1_000)));
    await before.send({ run: '1' });
    await before.idle();
    await bench.presence.start();
    expect(await bench.inbox.unattended()).toEqual([{ handlerId: 'removed', deliveries: 1, tasks: 0 }]);
    expect(await bench.inbox.dismiss({ handlerId: 'removed', ...WHY })).toBe(1);
    expect(await bench.inbox.unattended()).toEqual([]);
    const [delivery] = await bench.deliveries('removed');
    expect(delivery).toMatchObject({ state: 'dismissed', attempts: 1, dismissal: { at: bench.clock.now(), ...WHY } });
    expect(await bench.inbox.attempts(delivery?.id ?? '')).toHaveLength(1);
    bench.clock.advance(LIMITS.settledMs + 1);
    expect(await bench.inbox.purge()).toBeGreaterThan(0);
    expect(await bench.deliveries('removed')).toEqual([]);
  });

  it('lets the lane of a dispatcher that runs go on at once', async () => {
    const ran: string[] = [];
    bench.on(
      'laned',
      ({ id }) => {
        if (id.endsWith('/1')) throw new RetryLater(3_600_000);
        ran.push(id);
      },
      { serialize: 'job' },
    );
    bench.dispatcher.start();
    await bench.send({ run: '1' });
    await bench.send({ run: '2' });
    await until(async () => (await bench.deliveries('laned'))[0]?.attempts === 1);
    const [first] = await bench.deliveries('laned');
    expect(await bench.inbox.dismiss({ deliveryIds: [first?.id ?? ''], ...WHY })).toBe(1);
    await until(() => ran.length === 1);
    expect(ran).toEqual(['run.succeeded:probe/1/2']);
  });

  it.each([
    ['nothing named', {}, 'dismiss: found neither deliveryIds nor handlerId; expected one of them'],
    ['nobody', { handlerId: 'a', by: '' }, 'dismiss.by: expected 1 to 200 characters'],
    ['no reason', { handlerId: 'a', reason: undefined }, 'dismiss.reason: expected 1 to 1000 characters'],
    ['a long reason', { handlerId: 'a', reason: 'x'.repeat(1_001) }, 'dismiss.reason: expected 1 to 1000 characters'],
  ])('with %s is refused', async (_, fields, message) => {
    const refused = bench.inbox.dismiss({ ...WHY, ...fields } as Dismissal & Required<DecidedBy>);
    await expect(refused).rejects.toThrow(ConfigurationError);
    await expect(refused).rejects.toThrow(message);
  });
});
