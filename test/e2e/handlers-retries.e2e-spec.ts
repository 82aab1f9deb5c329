import { afterEach, describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import {
  Inbox,
  OnRun,
  OnRunCompleted,
  OnRunFailed,
  PermanentError,
  RetryLater,
  type DeliveryContext,
  type RunCompleted,
  type RunEvent,
  type RunFailed,
} from 'nestjs-runhooks';
import type { Source } from 'nestjs-runhooks/core';
import { dbtCloud } from 'nestjs-runhooks/dbt-cloud';
import { dbtCloudWebhook, TEST_SECRETS } from 'nestjs-runhooks/testing';
import { closeApps, startHandlers } from './handlers-app.js';

afterEach(closeApps);

const failed = { event: 'failed', payload: { data: { runId: '7' } } } as const;

describe('a failing handler', () => {
  it('is retried alone, without running its siblings again', async () => {
    const ran: string[] = [];
    @Injectable()
    class Handlers {
      @OnRunFailed()
      before(): void {
        ran.push('before');
      }

      @OnRunFailed()
      flaky(_event: RunFailed, { attempt }: DeliveryContext): void {
        ran.push(`flaky ${attempt}`);
        if (attempt < 3) throw new Error(`no ${attempt}`);
      }

      @OnRunFailed()
      after(): void {
        ran.push('after');
      }
    }
    @Injectable()
    class Others {
      @OnRunFailed()
      other(): void {
        ran.push('other');
      }
    }
    const host = await startHandlers({ providers: [Handlers, Others] });
    await host.dbt(failed);
    expect(ran.sort()).toEqual(['after', 'before', 'flaky 1', 'other']);
    await host.later();
    await host.later();
    await host.later();
    expect(ran).toEqual(['after', 'before', 'flaky 1', 'other', 'flaky 2', 'flaky 3']);
    expect(await host.errors('Handlers.flaky')).toEqual(['Error: no 1', 'Error: no 2']);
    expect(await host.outcomes()).toEqual([
      'Handlers.after 1 succeeded',
      'Handlers.before 1 succeeded',
      'Handlers.flaky 3 succeeded',
      'Others.other 1 succeeded',
    ]);
  });

  it('receives the same delivery in every attempt, with the attempt number', async () => {
    const deliveries: DeliveryContext[] = [];
    const events: RunFailed[] = [];
    @Injectable()
    class Handlers {
      @OnRunFailed({ id: 'page' })
      page(event: RunFailed, delivery: DeliveryContext): void {
        deliveries.push(delivery);
        events.push(event);
        if (delivery.attempt === 1) throw new Error('again');
      }
    }
    const host = await startHandlers({ providers: [Handlers] });
    await host.dbt(failed);
    await host.later();
    const [first, second] = deliveries;
    expect(first).toMatchObject({
      handlerId: 'page',
      attempt: 1,
      eventId: events[0]?.id,
      messageId: events[0]?.messageId,
    });
    expect(second).toMatchObject({ id: first?.id, handlerId: 'page', attempt: 2, eventId: events[0]?.id });
    expect(first?.signal).not.toBe(second?.signal);
    expect(events[1]).toEqual(events[0]);
    expect(events[1]).not.toBe(events[0]);
  });

  it('becomes a dead letter after the configured attempts', async () => {
    @Injectable()
    class Handlers {
      @OnRunFailed({ retry: { attemptsMax: 3 } })
      three(): void {
        throw new Error('no');
      }

      @OnRunFailed({ retry: false })
      one(): void {
        throw new Error('no');
      }
    }
    const host = await startHandlers({ providers: [Handlers] });
    await host.dbt(failed);
    expect(await host.outcomes()).toEqual(['Handlers.one 1 dead', 'Handlers.three 1 pending']);
    for (let i = 0; i < 4; i += 1) await host.later();
    expect(await host.outcomes()).toEqual(['Handlers.one 1 dead', 'Handlers.three 3 dead']);
  });

  it('waits no longer than its retry policy allows', async () => {
    let attempts = 0;
    @Injectable()
    class Handlers {
      @OnRunFailed({ retry: { delayMs: 1_000, delayMsMax: 2_000 } })
      page(): void {
        attempts += 1;
        throw new Error('no');
      }
    }
    const host = await startHandlers({ providers: [Handlers] });
    await host.dbt(failed);
    for (const boundMs of [1_000, 2_000, 2_000]) {
      const before = attempts;
      await host.later(boundMs);
      expect(attempts).toBe(before + 1);
    }
  });

  it('is retried at the time set by RetryLater, not before', async () => {
    const ran: number[] = [];
    @Injectable()
    class Handlers {
      @OnRunFailed({ retry: { delayMs: 1 } })
      page(_event: RunFailed, { attempt }: DeliveryContext): void {
        ran.push(attempt);
        if (attempt === 1) throw new RetryLater(60_000);
      }
    }
    const host = await startHandlers({ providers: [Handlers] });
    await host.dbt(failed);
    await host.later(59_999);
    expect(ran).toEqual([1]);
    await host.later(1);
    expect(ran).toEqual([1, 2]);
  });

  it('becomes a dead letter after the last attempt when it throws RetryLater', async () => {
    @Injectable()
    class Handlers {
      @OnRunFailed({ retry: { attemptsMax: 2 } })
      page(): void {
        throw new RetryLater(1);
      }
    }
    const host = await startHandlers({ providers: [Handlers] });
    await host.dbt(failed);
    await host.later();
    expect(await host.outcomes()).toEqual(['Handlers.page 2 dead']);
  });

  it('becomes a dead letter at once when it throws a PermanentError or a subclass', async () => {
    class NoSuchChannel extends PermanentError {}
    @Injectable()
    class Handlers {
      @OnRunFailed()
      plain(): void {
        throw new PermanentError('never');
      }

      @OnRunFailed()
      async own(): Promise<void> {
        await Promise.reject(new NoSuchChannel('no such channel', { cause: new Error('404') }));
      }
    }
    const host = await startHandlers({ providers: [Handlers] });
    await host.dbt(failed);
    expect(await host.outcomes()).toEqual(['Handlers.own 1 dead', 'Handlers.plain 1 dead']);
    expect(await host.errors('Handlers.own')).toEqual(['NoSuchChannel: no such channel']);
  });

  const thrown: [string, unknown, string][] = [
    ['undefined', undefined, 'undefined: a value that is not an error was thrown: undefined'],
    ['null', null, 'object: a value that is not an error was thrown: null'],
    ['a string', 'broken', 'string: a value that is not an error was thrown: broken'],
    ['an object', { code: 1 }, 'object: a value that is not an error was thrown: [object Object]'],
    ['a symbol', Symbol('broken'), 'symbol: a value that is not an error was thrown: Symbol(broken)'],
    ['an object without a prototype', Object.create(null), 'object: a value that cannot be shown was thrown'],
    ['a revoked proxy', revokedProxy(), 'object: a value that cannot be shown was thrown'],
    [
      'an object whose properties throw',
      new Proxy(new Error('x'), {
        get() {
          throw new Error('no');
        },
      }),
      'object: a value that cannot be shown was thrown',
    ],
  ];

  it.each(thrown)('is retried like after any error when it throws %s', async (_name, value, error) => {
    @Injectable()
    class Handlers {
      @OnRunFailed()
      page(_event: RunFailed, { attempt }: DeliveryContext): void {
        // oxlint-disable-next-line typescript/only-throw-error -- what handlers may do
        if (attempt === 1) throw value;
      }
    }
    const host = await startHandlers({ providers: [Handlers] });
    await host.dbt(failed);
    expect(await host.errors('Handlers.page')).toEqual([error]);
    await host.later();
    expect(await host.outcomes()).toEqual(['Handlers.page 2 succeeded']);
  });
});

function revokedProxy(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

describe('the event of an attempt', () => {
  it('is a copy, so changes by a handler reach no other handler and no other attempt', async () => {
    const seen: unknown[] = [];
    function deface(event: RunFailed, { attempt }: DeliveryContext): void {
      const { payload, run } = event as unknown as {
        payload: { data: { runId: string } };
        run: { job: { name: string } };
      };
      seen.push(`${payload.data.runId} ${run.job.name}`);
      payload.data.runId = 'defaced';
      run.job.name = 'defaced';
      Object.assign(event, { id: 'defaced' });
      event.occurredAt.setTime(0);
      if (attempt === 1) throw new Error('again');
    }
    @Injectable()
    class Handlers {
      @OnRunFailed()
      a(event: RunFailed, delivery: DeliveryContext): void {
        deface(event, delivery);
      }

      @OnRunFailed()
      b(event: RunFailed, delivery: DeliveryContext): void {
        deface(event, delivery);
      }
    }
    const host = await startHandlers({ providers: [Handlers] });
    await host.dbt({ event: 'failed', payload: { data: { runId: '7', jobName: 'nightly' } } });
    await host.later();
    expect(seen).toEqual(Array<string>(4).fill('7 nightly'));
    expect(await host.outcomes()).toEqual(['Handlers.a 2 succeeded', 'Handlers.b 2 succeeded']);
  });

  it('parses its payload once per attempt, on first access', async () => {
    let parses = 0;
    const source = dbtCloud({ name: 'dbt', secrets: [TEST_SECRETS.dbtCloud] });
    const counted: Source = {
      ...source,
      open() {
        const provider = source.open();
        const parse = provider.parse.bind(provider);
        return Object.assign(provider, {
          parse(message: Parameters<typeof parse>[0]) {
            parses += 1;
            return parse(message);
          },
        });
      },
    };
    const payloads: unknown[] = [];
    @Injectable()
    class Handlers {
      @OnRunFailed()
      never(): void {}

      @OnRunFailed({ provider: 'dbt-cloud' })
      twice(event: RunFailed<'dbt-cloud'>, { attempt }: DeliveryContext): void {
        payloads.push(event.payload, event.payload);
        if (attempt === 1) throw new Error('again');
      }
    }
    const host = await startHandlers({ providers: [Handlers], webhooks: { sources: [counted] } });
    await host.dbt(failed);
    await host.later();
    expect(parses).toBe(3);
    expect(payloads[1]).toBe(payloads[0]);
    expect(payloads[3]).toBe(payloads[2]);
    expect(payloads[2]).not.toBe(payloads[0]);
    expect(payloads[2]).toEqual(payloads[0]);
  });
});

describe('events of one run', () => {
  const payload = { data: { runId: '7' } };
  const errored = () => dbtCloudWebhook({ event: 'failed', payload });
  const completed = () => dbtCloudWebhook({ event: 'completed-failed', payload });

  const orders: [string, () => ReturnType<typeof errored>[]][] = [
    ['errored, then completed', () => [errored(), completed()]],
    ['completed, then errored', () => [completed(), errored()]],
    ['completed alone', () => [completed()]],
    ['each of them twice, under new ids', () => [errored(), errored(), completed(), completed()]],
    [
      'each of them again, byte for byte',
      () => {
        const [a, b] = [errored(), completed()];
        return [a, b, a, b];
      },
    ],
  ];

  it.each(orders)('are one run.failed and one run.completed when it fails: %s', async (_name, webhooks) => {
    const seen: string[] = [];
    @Injectable()
    class Handlers {
      @OnRunFailed()
      failed({ run }: RunFailed): void {
        seen.push(`failed ${run.id}`);
      }

      @OnRunCompleted()
      completed({ run }: RunCompleted): void {
        seen.push(`completed ${run.id}`);
      }
    }
    const host = await startHandlers({ providers: [Handlers] });
    for (const webhook of webhooks()) await host.send('dbt', webhook);
    expect(seen.sort()).toEqual(['completed 7', 'failed 7']);
    expect(await host.outcomes()).toEqual(['Handlers.completed 1 succeeded', 'Handlers.failed 1 succeeded']);
  });

  it('show the same outcome before and after its messages are parsed', async () => {
    const seen: string[] = [];
    @Injectable()
    class Handlers {
      @OnRun('run.succeeded', 'run.failed', 'run.canceled', 'run.completed')
      ended(event: RunEvent): void {
        seen.push(event.type);
      }
    }
    const host = await startHandlers({ providers: [Handlers] });
    await host.send('dbt', errored());
    await host.dbt({ event: 'succeeded', payload });
    await host.dbt({ event: 'canceled', payload });
    expect(seen).toEqual(['run.failed', 'run.completed']);
    const { items } = await host.app.get(Inbox).messages();
    expect(items.map(({ state }) => state)).toEqual(['parsed', 'parsed', 'parsed']);
  });
});
