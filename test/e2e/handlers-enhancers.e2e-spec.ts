import { afterEach, describe, expect, it } from '@jest/globals';
import {
  Controller,
  Get,
  Inject,
  Injectable,
  Scope,
  UseGuards,
  UseInterceptors,
  type ArgumentsHost,
  type CallHandler,
  type CanActivate,
  type ExceptionFilter,
  type ExecutionContext,
  type NestInterceptor,
  type PipeTransform,
  type Provider,
  type Type,
} from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_INTERCEPTOR, APP_PIPE, REQUEST } from '@nestjs/core';
import { ConfigurationError, OnRunCanceled, OnRunFailed, PermanentError, type RunFailed } from 'nestjs-runhooks';
import { EMPTY, map, of, tap, throwError, type Observable } from 'rxjs';
import { startupError, closeApps, startHandlers } from './handlers-app.js';

afterEach(closeApps);

/** The names of what ran, in order. */
let ran: string[] = [];
afterEach(() => {
  ran = [];
});

/** Returns a guard that records the context it was called with and returns `allows`. */
function guard(name: string, allows = true): Type<CanActivate> {
  @Injectable()
  class Guard implements CanActivate {
    canActivate(context: ExecutionContext): boolean {
      const [event, delivery] = context.getArgs<[{ type?: string }, { handlerId?: string }]>();
      const handlerRun = `${context.getType()} ${context.getClass().name}.${context.getHandler().name}`;
      ran.push(`${name}: ${handlerRun} (${event.type}, ${delivery.handlerId}) of ${context.getArgs().length}`);
      return allows;
    }
  }
  return Guard;
}

function interceptor(name: string): Type<NestInterceptor> {
  @Injectable()
  class Interceptor implements NestInterceptor {
    intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
      ran.push(`${name} ${context.getType()}`);
      return next.handle().pipe(tap({ next: (value) => ran.push(`${name} got ${String(value)}`) }));
    }
  }
  return Interceptor;
}

const failed = { event: 'failed', payload: { data: { runId: '7' } } } as const;

describe('guards and interceptors bound to a handler', () => {
  it.each([Scope.DEFAULT, Scope.REQUEST, Scope.TRANSIENT])(
    'run with context type webhook and receive the event and the delivery; scope %s',
    async (scope) => {
      @UseGuards(guard('class guard'))
      @UseInterceptors(interceptor('class interceptor'))
      @Injectable({ scope })
      class Pager {
        @UseGuards(guard('method guard'))
        @UseInterceptors(interceptor('method interceptor'))
        @OnRunFailed({ id: 'page' })
        async page(event: RunFailed): Promise<string> {
          ran.push(`handler ${event.run.id}`);
          return await Promise.resolve('answer');
        }
      }
      const host = await startHandlers({ providers: [Pager] });
      await host.dbt(failed);
      expect(ran).toEqual([
        'class guard: webhook Pager.page (run.failed, page) of 2',
        'method guard: webhook Pager.page (run.failed, page) of 2',
        'class interceptor webhook',
        'method interceptor webhook',
        'handler 7',
        'method interceptor got answer',
        'class interceptor got answer',
      ]);
      expect(await host.outcomes()).toEqual(['page 1 succeeded']);
    },
  );

  it.each([Scope.DEFAULT, Scope.REQUEST])("run for a controller's handlers; scope %s", async (scope) => {
    @UseGuards(guard('class guard'))
    @Controller({ path: 'runs', scope })
    class Runs {
      @Get()
      all(): string[] {
        return [];
      }

      @UseGuards(guard('method guard'))
      @OnRunFailed()
      add(): void {
        ran.push('handler');
      }
    }
    const host = await startHandlers({ controllers: [Runs] });
    await host.dbt(failed);
    expect(ran).toEqual([
      'class guard: webhook Runs.add (run.failed, Runs.add) of 2',
      'method guard: webhook Runs.add (run.failed, Runs.add) of 2',
      'handler',
    ]);
  });

  it('run when a base class declares them', async () => {
    @UseGuards(guard('base guard'))
    class Base {
      @OnRunFailed()
      page(): void {
        ran.push('handler');
      }
    }
    @Injectable()
    class Pager extends Base {}
    const host = await startHandlers({ providers: [Pager] });
    await host.dbt(failed);
    expect(ran).toEqual(['base guard: webhook Pager.page (run.failed, Pager.page) of 2', 'handler']);
  });

  it('run with the dependencies of their own module', async () => {
    @Injectable()
    class Named implements CanActivate {
      constructor(@Inject('name') private readonly name: string) {}

      canActivate(): boolean {
        ran.push(this.name);
        return true;
      }
    }
    @UseGuards(Named)
    @Injectable()
    class Pager {
      @OnRunFailed()
      page(): void {}
    }
    @Injectable()
    @UseGuards(Named)
    class Other {
      @OnRunFailed()
      page(): void {}
    }
    const host = await startHandlers({
      imports: [{ module: class Feature {}, providers: [Other, { provide: 'name', useValue: 'feature' }] }],
      providers: [Pager, { provide: 'name', useValue: 'app' }],
    });
    await host.dbt(failed);
    expect(ran.sort()).toEqual(['app', 'feature']);
  });

  it.each([Scope.REQUEST, Scope.TRANSIENT])('receive their dependencies with scope %s', async (scope) => {
    @Injectable({ scope })
    class Scoped implements CanActivate {
      constructor(@Inject('name') private readonly name: string) {}

      canActivate(): boolean {
        ran.push(this.name);
        return true;
      }
    }
    @Injectable()
    class Pager {
      @UseGuards(Scoped)
      @OnRunFailed()
      page(): void {}
    }
    const host = await startHandlers({ providers: [Pager, { provide: 'name', useValue: 'dependency' }] });
    await host.dbt(failed);
    expect(ran).toEqual(['dependency']);
  });

  it('receive the event and the delivery when they inject the request', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class Scoped implements CanActivate {
      constructor(@Inject(REQUEST) private readonly request: { event: RunFailed }) {}

      canActivate(): boolean {
        ran.push(this.request.event.run.id);
        return true;
      }
    }
    @Injectable()
    @UseGuards(Scoped)
    class Pager {
      @OnRunFailed()
      page(): void {}
    }
    const host = await startHandlers({ providers: [Pager] });
    await host.dbt(failed);
    expect(ran).toEqual(['7']);
  });

  it('fail the attempt when a guard denies, and run again on the retry', async () => {
    let allows = false;
    @Injectable()
    class Pager {
      @UseGuards({ canActivate: () => allows })
      @OnRunFailed()
      page(): void {
        ran.push('handler');
      }

      @OnRunFailed()
      other(): void {
        ran.push('other');
      }
    }
    const host = await startHandlers({ providers: [Pager] });
    await host.dbt(failed);
    expect(ran).toEqual(['other']);
    expect(await host.errors('Pager.page')).toEqual(['ForbiddenException: Forbidden resource']);
    allows = true;
    await host.later();
    expect(ran).toEqual(['other', 'handler']);
    expect(await host.outcomes()).toEqual(['Pager.other 1 succeeded', 'Pager.page 2 succeeded']);
  });

  it('make the delivery a dead letter when they throw a PermanentError', async () => {
    const never: CanActivate = {
      canActivate() {
        throw new PermanentError('not for us');
      },
    };
    @Injectable()
    class Pager {
      @UseGuards(never)
      @OnRunFailed()
      page(): void {}
    }
    const host = await startHandlers({ providers: [Pager] });
    await host.dbt(failed);
    expect(await host.outcomes()).toEqual(['Pager.page 1 dead']);
  });

  it.each([
    ['an error', () => throwError(() => new Error('intercepted')), 'Error: intercepted'],
    ['nothing', () => EMPTY, 'EmptyError: no elements in sequence'],
  ])('fail the attempt when an interceptor returns %s', async (_name, intercept, error) => {
    @Injectable()
    class Pager {
      @UseInterceptors({ intercept })
      @OnRunFailed()
      page(): void {
        ran.push('handler');
      }
    }
    const host = await startHandlers({ providers: [Pager] });
    await host.dbt(failed);
    expect(ran).toEqual([]);
    expect(await host.errors('Pager.page')).toEqual([error]);
  });

  it('run for a handler provided by a factory when they are instances', async () => {
    class Pager {
      @UseGuards(new (guard('instance'))())
      @OnRunFailed()
      page(): void {}
    }
    const host = await startHandlers({ providers: [{ provide: Pager, useFactory: () => new Pager() }] });
    await host.dbt(failed);
    expect(ran).toEqual(['instance: webhook Pager.page (run.failed, Pager.page) of 2']);
  });

  const places: [string, (pager: Type<object>) => Provider][] = [
    ['a factory', (Pager) => ({ provide: Pager, useFactory: () => new Pager() })],
    ['a request-scoped factory', (Pager) => ({ provide: Pager, useFactory: () => new Pager(), scope: Scope.REQUEST })],
    ['a value', (Pager) => ({ provide: Pager, useValue: new Pager() })],
  ];

  it.each(places)('fail the startup when %s provides the handler and Nest would skip them', async (_name, provider) => {
    const Guard = guard('guard');
    @UseGuards(Guard)
    class ByClass {
      @OnRunFailed()
      page(): void {}
    }
    const error = await startupError({ providers: [provider(ByClass)] });
    expect(error).toBeInstanceOf(ConfigurationError);
    expect(error.message).toMatch(/^ByClass\.page: its guard Guard would be skipped/);
    class ByMethod {
      @UseInterceptors(interceptor('interceptor'))
      @OnRunFailed()
      page(): void {}
    }
    const { message } = await startupError({ providers: [provider(ByMethod)] });
    expect(message).toMatch(/^ByMethod\.page: its interceptor Interceptor would be skipped/);
  });
});

describe('handler return values', () => {
  it('are awaited when the handler returns an observable', async () => {
    @Injectable()
    class Pager {
      @OnRunFailed()
      succeeds(): Observable<number> {
        return of(1, 2).pipe(map((value) => ran.push(`value ${value}`)));
      }

      @OnRunCanceled()
      fails(): Observable<number> {
        return throwError(() => new Error('observed'));
      }
    }
    const host = await startHandlers({ providers: [Pager] });
    await host.dbt(failed);
    await host.dbt({ event: 'canceled' });
    expect(ran).toEqual(['value 1', 'value 2']);
    expect(await host.outcomes()).toEqual(['Pager.fails 1 pending', 'Pager.succeeds 1 succeeded']);
  });
});

describe("global enhancers run for the host's routes but not for handlers", () => {
  class GlobalGuard implements CanActivate {
    canActivate(): boolean {
      ran.push('guard');
      return true;
    }
  }
  class GlobalPipe implements PipeTransform {
    transform(value: unknown): unknown {
      ran.push('pipe');
      return value;
    }
  }
  class GlobalInterceptor implements NestInterceptor {
    intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
      ran.push('interceptor');
      return next.handle();
    }
  }
  class GlobalFilter implements ExceptionFilter {
    catch(_error: unknown, host: ArgumentsHost): void {
      ran.push('filter');
      host.switchToHttp().getResponse<{ status(code: number): { json(body: object): void } }>().status(418).json({});
    }
  }
  // Transient enhancers are left out because Nest 11.1.4 does not run them for routes either.
  const scopes = [Scope.DEFAULT, Scope.REQUEST];
  const setups: [string, Parameters<typeof startHandlers>[0]][] = [
    [
      'useGlobal…',
      {
        main: (app) =>
          app
            .useGlobalGuards(new GlobalGuard())
            .useGlobalPipes(new GlobalPipe())
            .useGlobalInterceptors(new GlobalInterceptor())
            .useGlobalFilters(new GlobalFilter()),
      },
    ],
    ...scopes.map((scope): [string, Parameters<typeof startHandlers>[0]] => [
      `APP_…, scope ${scope}`,
      {
        providers: [
          { provide: APP_GUARD, useClass: GlobalGuard, scope },
          { provide: APP_PIPE, useClass: GlobalPipe, scope },
          { provide: APP_INTERCEPTOR, useClass: GlobalInterceptor, scope },
          { provide: APP_FILTER, useClass: GlobalFilter, scope },
        ],
      },
    ]),
  ];

  it.each(setups)('%s', async (_name, setup) => {
    @Injectable()
    class Pager {
      @OnRunFailed({ retry: false })
      page(): void {
        ran.push('handler');
        throw new Error('handler');
      }
    }
    @Controller('runs')
    class Runs {
      @Get()
      all(): string[] {
        throw new Error('route');
      }

      @UseGuards(guard('bound'))
      @OnRunFailed()
      add(): void {
        ran.push('controller');
      }
    }
    const host = await startHandlers({ ...setup, providers: [Pager, ...(setup.providers ?? [])], controllers: [Runs] });
    await host.dbt(failed);
    expect(ran.sort()).toEqual(['bound: webhook Runs.add (run.failed, Runs.add) of 2', 'controller', 'handler']);
    expect(await host.outcomes()).toEqual(['Pager.page 1 dead', 'Runs.add 1 succeeded']);
    ran = [];
    const response = await fetch(`${await host.app.getUrl()}/runs`);
    expect(response.status).toBe(418);
    expect(ran).toEqual(['guard', 'interceptor', 'filter']);
  });
});
