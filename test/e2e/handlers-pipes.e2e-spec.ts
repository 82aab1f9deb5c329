import { afterEach, describe, expect, it } from '@jest/globals';
import {
  Controller,
  Inject,
  Injectable,
  Scope,
  UseGuards,
  UseInterceptors,
  UsePipes,
  ValidationPipe,
  type ArgumentMetadata,
  type ExecutionContext,
  type PipeTransform,
  type Type,
} from '@nestjs/common';
import { ContextIdFactory, REQUEST, type ContextIdStrategy, type HostComponentInfo } from '@nestjs/core';
import { Equals, IsNumberString, IsObject, ValidateNested } from 'class-validator';
import { Type as Nested } from 'class-transformer';
import {
  ConfigurationError,
  isWebhookContext,
  OnRunFailed,
  type DeliveryContext,
  type RunFailed,
  type WebhookRequest,
} from 'nestjs-runhooks';
import { finalize } from 'rxjs';
import { startupError, closeApps, startHandlers } from './handlers-app.js';

afterEach(closeApps);

let ran: string[] = [];
afterEach(() => {
  ran = [];
});

const failed = { event: 'failed', payload: { data: { runId: '7' } } } as const;

/** Returns a pipe that records its arguments and renames the source of the event. */
function pipe(name: string, scope = Scope.DEFAULT): Type<PipeTransform> {
  @Injectable({ scope })
  class Rename implements PipeTransform {
    transform(event: RunFailed, { type, metatype, data }: ArgumentMetadata): RunFailed {
      ran.push(`${name}: ${event.type} of ${event.source} as ${type} ${metatype?.name} ${data}`);
      return { ...event, source: name };
    }
  }
  return Rename;
}

describe('pipes bound to a handler', () => {
  it.each([Scope.DEFAULT, Scope.REQUEST, Scope.TRANSIENT])(
    'receive the event, class before method, and pass their result to the handler; scope %s',
    async (scope) => {
      @UsePipes(pipe('class'))
      @Injectable({ scope })
      class Pager {
        @UsePipes(pipe('method', scope), new (pipe('instance'))())
        @OnRunFailed()
        page(event: RunFailed, delivery: DeliveryContext): void {
          ran.push(`handler: ${event.run.id} of ${event.source}, attempt ${delivery.attempt}`);
        }
      }
      const host = await startHandlers({ providers: [Pager] });
      await host.dbt(failed);
      expect(ran).toEqual([
        'class: run.failed of dbt as body Object undefined',
        'method: run.failed of class as body Object undefined',
        'instance: run.failed of method as body Object undefined',
        'handler: 7 of instance, attempt 1',
      ]);
      expect(await host.outcomes()).toEqual(['Pager.page 1 succeeded']);
    },
  );

  it('run after guards and inside interceptors, which receive the unchanged event', async () => {
    const record = (who: string, context: ExecutionContext): true => {
      if (isWebhookContext(context)) ran.push(`${who}: ${context.getArgs()[0].source}`);
      return true;
    };
    @Controller()
    class Pager {
      @UseGuards({ canActivate: (context) => record('guard', context) })
      @UseInterceptors({
        intercept: (context, next) => {
          record('interceptor', context);
          return next.handle().pipe(finalize(() => record('after', context)));
        },
      })
      @UsePipes(new (pipe('piped'))())
      @OnRunFailed()
      page(event: RunFailed): void {
        ran.push(`handler: ${event.source}`);
      }
    }
    const host = await startHandlers({ controllers: [Pager] });
    await host.dbt(failed);
    expect(ran).toEqual([
      'guard: dbt',
      'interceptor: dbt',
      'piped: run.failed of dbt as body Object undefined',
      'handler: piped',
      'after: dbt',
    ]);
  });

  it('can inject dependencies and the delivery', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class Scoped implements PipeTransform {
      constructor(@Inject(REQUEST) private readonly request: WebhookRequest) {}

      transform(event: unknown): unknown {
        ran.push(this.request.delivery.handlerId);
        return event;
      }
    }
    @Injectable()
    class Pager {
      @UsePipes(Scoped)
      @OnRunFailed({ id: 'page' })
      page(): void {}
    }
    const host = await startHandlers({ providers: [Pager] });
    await host.dbt(failed);
    expect(ran).toEqual(['page']);
  });

  it('run for durable handlers, with one instance per tenant of the host', async () => {
    const tenant = ContextIdFactory.create();
    const strategy: ContextIdStrategy = {
      attach: (contextId) => ({
        payload: { tenant: 'one' },
        resolve: ({ isTreeDurable }: HostComponentInfo) => (isTreeDurable ? tenant : contextId),
      }),
    };
    ContextIdFactory.apply(strategy);
    try {
      let made = 0;
      @UsePipes(pipe('pipe'))
      @Injectable({ scope: Scope.REQUEST, durable: true })
      class Pager {
        private readonly instance = ++made;

        @OnRunFailed({ id: 'page' })
        page(event: RunFailed): void {
          ran.push(`${this.instance}: ${event.run.id} of ${event.source}`);
        }
      }
      const host = await startHandlers({ providers: [Pager] });
      await host.dbt(failed);
      await host.dbt({ event: 'failed', payload: { data: { runId: '8' } } });
      expect(ran.filter((line) => /^\d/.test(line))).toEqual(['1: 7 of pipe', '1: 8 of pipe']);
    } finally {
      ContextIdFactory.apply(undefined as unknown as ContextIdStrategy);
    }
  });

  it('fail the attempt of their handler only when they throw, and run again on the retry', async () => {
    let accepts = false;
    const picky: PipeTransform = {
      transform: (event: unknown) => {
        if (!accepts) throw new Error('not like this');
        return event;
      },
    };
    @Injectable()
    class Pager {
      @UsePipes(picky)
      @OnRunFailed()
      page(): void {
        ran.push('page');
      }

      @OnRunFailed()
      other(): void {
        ran.push('other');
      }
    }
    const host = await startHandlers({ providers: [Pager] });
    await host.dbt(failed);
    expect(ran).toEqual(['other']);
    expect(await host.errors('Pager.page')).toEqual(['Error: not like this']);
    accepts = true;
    await host.later();
    expect(ran).toEqual(['other', 'page']);
  });

  it('use the class of the first parameter, like ValidationPipe, and leave events unchanged otherwise', async () => {
    class NumberedRun {
      @IsNumberString()
      id!: string;
    }
    class NumberedFailure {
      @Equals('run.failed')
      type!: string;

      @IsObject()
      @ValidateNested()
      @Nested(() => NumberedRun)
      run!: NumberedRun;
    }
    @UsePipes(new ValidationPipe({ transform: true, whitelist: true }))
    @Injectable()
    class Pager {
      @OnRunFailed()
      checked(event: NumberedFailure): void {
        ran.push(`${event instanceof NumberedFailure} ${JSON.stringify(event)}`);
      }

      @OnRunFailed()
      unchecked(event: RunFailed): void {
        ran.push(`${event.run.id} ${event.payload.constructor.name}`);
      }
    }
    const host = await startHandlers({ providers: [Pager] });
    await host.dbt(failed);
    expect(ran.sort()).toEqual(['7 DbtCloudPayload', 'true {"type":"run.failed","run":{"id":"7"}}']);
    await host.dbt({ event: 'failed', payload: { data: { runId: 'eight' } } });
    expect(await host.errors('Pager.checked')).toEqual(['BadRequestException: Bad Request Exception']);
  });

  it('fail the startup when a factory provides the handler and Nest would skip them', async () => {
    class Pager {
      @UsePipes(pipe('pipe'))
      @OnRunFailed()
      page(): void {}
    }
    const error = await startupError({ providers: [{ provide: Pager, useFactory: () => new Pager() }] });
    expect(error).toBeInstanceOf(ConfigurationError);
    expect(error.message).toMatch(/^Pager\.page: its pipe Rename would be skipped/);
  });

  it('receive the event of a handler whose method name is a symbol', async () => {
    const page = Symbol('page');
    @Injectable()
    class Pager {
      @UsePipes(new (pipe('pipe'))())
      @OnRunFailed({ id: 'page' })
      [page](event: RunFailed): void {
        ran.push(event.source);
      }
    }
    const host = await startHandlers({ providers: [Pager] });
    await host.dbt(failed);
    expect(ran).toEqual(['pipe: run.failed of dbt as body Object undefined', 'pipe']);
  });
});
