import { afterEach, beforeEach, expect, it, describe } from '@jest/globals';
import { ConfigurationError, RetryLater, type DecidedBy, type Dismissal } from 'nestjs-runhooks/core';
import { LIMITS } from 'nestjs-runhooks/internal';
import { DispatchHarness, until } from './dispatch-harness.js';

const WHY = { by: 'Kim', reason: 'the handler was removed in March' };
let harness: DispatchHarness;

beforeEach(async () => {
  harness = await DispatchHarness.open();
});

afterEach(() => harness.close());

describe('Inbox.dismiss', () => {
  it('cancels the deliveries of a removed handler and records who, when and why', async () => {
    const before = await DispatchHarness.open({ store: harness.store, clock: harness.clock });
    before.on('removed', () => Promise.reject(new RetryLater(1_000)));
    await before.send({ run: '1' });
    await before.idle();
    await harness.presence.start();
    expect(await harness.inbox.missingHandlers()).toEqual([{ handlerId: 'removed', deliveries: 1, checks: 0 }]);
    expect(await harness.inbox.dismiss({ handlerId: 'removed', ...WHY })).toBe(1);
    expect(await harness.inbox.missingHandlers()).toEqual([]);
    const [delivery] = await harness.deliveries('removed');
    expect(delivery).toMatchObject({ state: 'dismissed', attempts: 1, dismissal: { at: harness.clock.now(), ...WHY } });
    expect(await harness.inbox.attempts(delivery?.id ?? '')).toHaveLength(1);
    harness.clock.advance(LIMITS.finishedMs + 1);
    expect(await harness.inbox.purge()).toBeGreaterThan(0);
    expect(await harness.deliveries('removed')).toEqual([]);
  });

  it('unblocks the lane of a running worker at once', async () => {
    const ran: string[] = [];
    harness.on(
      'laned',
      ({ id }) => {
        if (id.endsWith('/1')) throw new RetryLater(3_600_000);
        ran.push(id);
      },
      { serialize: 'job' },
    );
    harness.dispatcher.start();
    await harness.send({ run: '1' });
    await harness.send({ run: '2' });
    await until(async () => (await harness.deliveries('laned'))[0]?.attempts === 1);
    const [first] = await harness.deliveries('laned');
    expect(await harness.inbox.dismiss({ deliveryIds: [first?.id ?? ''], ...WHY })).toBe(1);
    await until(() => ran.length === 1);
    expect(ran).toEqual(['run.succeeded:probe/1/2']);
  });

  it.each([
    ['nothing named', {}, 'dismiss: expected deliveryIds or handlerId, got neither'],
    ['an empty by', { handlerId: 'a', by: '' }, 'dismiss.by: expected a string of 1 to 200 characters'],
    ['no reason', { handlerId: 'a', reason: undefined }, 'dismiss.reason: expected a string of 1 to 1000 characters'],
    [
      'a long reason',
      { handlerId: 'a', reason: 'x'.repeat(1_001) },
      'dismiss.reason: expected a string of 1 to 1000 characters, got 1001 characters',
    ],
  ])('throws for %s', async (_, fields, message) => {
    const refused = harness.inbox.dismiss({ ...WHY, ...fields } as Dismissal & Required<DecidedBy>);
    await expect(refused).rejects.toThrow(ConfigurationError);
    await expect(refused).rejects.toThrow(message);
  });
});
