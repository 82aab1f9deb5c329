import { afterEach, describe, expect, it } from '@jest/globals';
import {
  Controller,
  Get,
  Inject,
  Injectable,
  Scope,
  UseFilters,
  UseGuards,
  UseInterceptors,
  UsePipes,
  type ArgumentsHost,
  type CallHandler,
  type CanActivate,
  type ExceptionFilter,
  type ExecutionContext,
  type NestInterceptor,
  type PipeTransform,
  type Provider,
} from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_INTERCEPTOR, APP_PIPE, REQUEST } from '@nestjs/core';
import { ConfigurationError, isWebhookContext, OnRunFailed, PermanentError } from 'nestjs-runhooks';
import type { Observable } from 'rxjs';
import { startupError, closeApps, startHandlers, type HandlersSetup } from './handlers-app.js';

afterEach(closeApps);

let ran: string[] = [];
afterEach(() => {
  ran = [];
});

const failed = { event: 'failed', payload: { data: { runId: '7' } } } as const;

function handlerOf(host: ArgumentsHost): string {
  return isWebhookContext(host) ? host.getArgs()[1].handlerId : host.getType();
}

class Guard implements CanActivate {
  constructor(private readonly name = 'global') {}

  canActivate(context: ExecutionContext): boolean {
    ran.push(`${this.name} guard ${handlerOf(context)}`);
    return true;
  }
}
class Pipe implements PipeTransform {
  constructor(private readonly name = 'global') {}

  transform(value: unknown): unknown {
    ran.push(`${this.name} pipe`);
    return value;
  }
}
class Interceptor implements NestInterceptor {
  constructor(private readonly name = 'global') {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    ran.push(`${this.name} interceptor ${handlerOf(context)}`);
    return next.handle();
  }
}
class Filter implements ExceptionFilter {
  catch(error: Error, host: ArgumentsHost): void {
    ran.push(`global filter ${handlerOf(host)} ${error.message}`);
    if (isWebhookContext(host)) throw new PermanentError('mapped', { cause: error });
    host.switchToHttp().getResponse<{ status(code: number): { json(body: object): void } }>().status(418).json({});
  }
}

@Injectable()
class Pager {
  @UseGuards(new Guard('bound'))
  @UseInterceptors(new Interceptor('bound'))
  @UsePipes(new Pipe('bound'))
  @OnRunFailed({ id: 'page' })
  page(): void {
    ran.push('handler');
    throw new Error('no');
  }
}

@Controller('runs')
class Runs {
  @Get()
  all(): string[] {
    throw new Error('route');
  }

  @OnRunFailed({ id: 'runs.add' })
  add(): void {
    ran.push('controller');
  }
}

const pageRan = [
  'global guard page',
  'bound guard page',
  'global interceptor page',
  'bound interceptor page',
  'global pipe',
  'bound pipe',
  'handler',
  'global filter page no',
];

const setups: [string, HandlersSetup][] = [
  [
    'useGlobal…',
    {
      main: (app) =>
        app
          .useGlobalGuards(new Guard())
          .useGlobalPipes(new Pipe())
          .useGlobalInterceptors(new Interceptor())
          .useGlobalFilters(new Filter()),
    },
  ],
  ...[Scope.DEFAULT, Scope.REQUEST].map((scope): [string, HandlersSetup] => [
    `APP_…, scope ${scope}`,
    {
      providers: [
        { provide: APP_GUARD, useFactory: () => new Guard(), scope },
        { provide: APP_PIPE, useFactory: () => new Pipe(), scope },
        { provide: APP_INTERCEPTOR, useFactory: () => new Interceptor(), scope },
        { provide: APP_FILTER, useFactory: () => new Filter(), scope },
      ],
    },
  ]),
];

describe('globalEnhancers: true', () => {
  it.each(setups)(
    'runs global enhancers before bound ones, and still runs them for routes; %s',
    async (_name, setup) => {
      const host = await startHandlers({
        ...setup,
        webhooks: { globalEnhancers: true },
        providers: [Pager, ...(setup.providers ?? [])],
      });
      await host.dbt(failed);
      expect(ran).toEqual(pageRan);
      expect(await host.outcomes()).toEqual(['page 1 dead']);
      expect(await host.errors('page')).toEqual(['PermanentError: mapped']);
    },
  );

  it.each(setups)(
    'runs global enhancers for handlers in controllers, and still runs them for routes; %s',
    async (_name, setup) => {
      const host = await startHandlers({ ...setup, webhooks: { globalEnhancers: true }, controllers: [Runs] });
      await host.dbt(failed);
      expect(ran).toEqual(['global guard runs.add', 'global interceptor runs.add', 'global pipe', 'controller']);
      expect(await host.outcomes()).toEqual(['runs.add 1 succeeded']);
      ran = [];
      const response = await fetch(`${await host.app.getUrl()}/runs`);
      expect(response.status).toBe(418);
      expect(ran).toEqual(['global guard http', 'global interceptor http', 'global filter http route']);
    },
  );

  it('creates a request-scoped enhancer for each delivery, with its dependencies and the delivery', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class Scoped implements CanActivate {
      constructor(
        @Inject(REQUEST) private readonly request: { delivery?: { handlerId: string } },
        @Inject('name') private readonly name: string,
      ) {}

      canActivate(): boolean {
        ran.push(`${this.name} ${this.request.delivery?.handlerId}`);
        return true;
      }
    }
    @Injectable()
    class Other {
      constructor(@Inject(REQUEST) readonly request: unknown) {}

      @OnRunFailed({ id: 'other' })
      other(): void {
        ran.push('handler');
      }
    }
    const host = await startHandlers({
      webhooks: { globalEnhancers: true },
      imports: [
        {
          module: class Feature {},
          providers: [
            { provide: APP_GUARD, useClass: Scoped },
            { provide: 'name', useValue: 'feature' },
          ],
        },
      ],
      providers: [Other],
      controllers: [Runs],
    });
    await host.dbt(failed);
    expect(ran.sort()).toEqual(['controller', 'feature other', 'feature runs.add', 'handler']);
  });

  it("keeps the handler's error as the reason when a global filter only supports HTTP", async () => {
    const onlyHttp: ExceptionFilter = {
      catch: (_error, host) => {
        host.switchToHttp().getResponse<{ status(code: number): void }>().status(500);
      },
    };
    const host = await startHandlers({
      webhooks: { globalEnhancers: true },
      providers: [Pager],
      main: (app) => app.useGlobalFilters(onlyHttp),
    });
    await host.dbt(failed);
    expect(await host.outcomes()).toEqual(['page 1 pending']);
    expect(await host.errors('page')).toEqual(['Error: no']);
    expect(host.log.containing('an exception filter threw TypeError')).toHaveLength(1);
  });

  it('runs a bound filter before a global one', async () => {
    @UseFilters({
      catch: () => {
        ran.push('bound filter');
        throw new PermanentError('by the bound one');
      },
    })
    @Injectable()
    class Bound {
      @OnRunFailed({ id: 'bound' })
      bound(): void {
        throw new Error('no');
      }
    }
    const host = await startHandlers({
      webhooks: { globalEnhancers: true },
      providers: [Bound],
      main: (app) => app.useGlobalFilters(new Filter()),
    });
    await host.dbt(failed);
    expect(ran).toEqual(['bound filter']);
    expect(await host.errors('bound')).toEqual(['PermanentError: by the bound one']);
  });

  const transient: [string, Provider][] = [
    ['guard', { provide: APP_GUARD, useClass: Guard, scope: Scope.TRANSIENT }],
    ['filter', { provide: APP_FILTER, useClass: Filter, scope: Scope.TRANSIENT }],
  ];

  it.each(transient)('fails the startup when an enhancer is a transient %s', async (kind, provider) => {
    const error = await startupError({ webhooks: { globalEnhancers: true }, providers: [Pager, provider] });
    expect(error).toBeInstanceOf(ConfigurationError);
    expect(error.message).toContain(`globalEnhancers: the global ${kind}`);
    expect(error.message).toContain('is transient and cannot run for handlers');
  });
});

it('fails the startup when globalEnhancers is not a boolean', async () => {
  const { message } = await startupError({ webhooks: { globalEnhancers: 'yes' as unknown as boolean } });
  expect(message).toBe('globalEnhancers: expected true or false, got a string');
});
