import { afterEach, describe, expect, it } from '@jest/globals';
import {
  Controller,
  Get,
  Inject,
  Injectable,
  Module,
  Scope,
  type DynamicModule,
  type Provider,
  type Type,
} from '@nestjs/common';
import {
  ContextIdFactory,
  REQUEST,
  type ContextId,
  type ContextIdStrategy,
  type HostComponentInfo,
} from '@nestjs/core';
import { OnRunFailed, type DeliveryContext, type RunFailed, type WebhookRequest } from 'nestjs-runhooks';
import { closeApps, startHandlers } from './handlers-app.js';

afterEach(closeApps);

/** Returns a new class with one handler that records its instance. */
function pagerClass(seen: unknown[]) {
  @Injectable()
  class Pager {
    constructor(readonly name: string = 'made by Nest') {}

    @OnRunFailed()
    page(event: RunFailed, delivery: DeliveryContext): void {
      seen.push(`${this.name}: ${event.run.id} ${delivery.attempt}`);
    }
  }
  Reflect.defineMetadata('design:paramtypes', [], Pager);
  return Pager;
}

const failed = (runId = '7') => ({ event: 'failed', payload: { data: { runId } } }) as const;

describe('handler discovery', () => {
  const places: [string, (pager: Type) => Provider[]][] = [
    ['a provider', (Pager) => [Pager]],
    ['useClass', (Pager) => [{ provide: 'pager', useClass: Pager }]],
    ['useFactory', (Pager) => [{ provide: 'pager', useFactory: () => new Pager() as object }]],
    [
      'an asynchronous factory',
      (Pager) => [{ provide: 'pager', useFactory: async () => await Promise.resolve(new Pager() as object) }],
    ],
    ['useValue', (Pager) => [{ provide: 'pager', useValue: new Pager() as object }]],
    ['a class and its alias', (Pager) => [Pager, { provide: 'alias', useExisting: Pager }]],
    [
      'one instance under two tokens',
      (Pager) => {
        const pager = new Pager() as object;
        return [
          { provide: 'a', useValue: pager },
          { provide: 'b', useValue: pager },
        ];
      },
    ],
    ['a request-scoped class', (Pager) => [{ provide: Pager, useClass: Pager, scope: Scope.REQUEST }]],
    ['a transient class', (Pager) => [{ provide: Pager, useClass: Pager, scope: Scope.TRANSIENT }]],
    ['a durable class', (Pager) => [{ provide: Pager, useClass: Pager, scope: Scope.REQUEST, durable: true }]],
    [
      'a request-scoped class under another token',
      (Pager) => [{ provide: 'pager', useClass: Pager, scope: Scope.REQUEST }],
    ],
    [
      'a request-scoped factory',
      (Pager) => [{ provide: Pager, useFactory: () => new Pager() as object, scope: Scope.REQUEST }],
    ],
    [
      'a factory that needs the request',
      (Pager) => [{ provide: Pager, useFactory: () => new Pager() as object, inject: [REQUEST] }],
    ],
    [
      'a transient factory',
      (Pager) => [{ provide: Pager, useFactory: () => new Pager() as object, scope: Scope.TRANSIENT }],
    ],
    [
      'a request-scoped class and its alias',
      (Pager) => [
        { provide: Pager, useClass: Pager, scope: Scope.REQUEST },
        { provide: 'alias', useExisting: Pager },
      ],
    ],
    [
      'a request-scoped class and an alias that is its base class',
      (Pager) => {
        abstract class Base {
          @OnRunFailed()
          page(): void {
            throw new Error('of the alias');
          }
        }
        return [
          { provide: Pager, useClass: Pager, scope: Scope.REQUEST },
          { provide: Base, useExisting: Pager },
        ];
      },
    ],
  ];

  it.each(places)('runs a handler once per event in %s', async (_name, providers) => {
    const seen: unknown[] = [];
    const Pager = pagerClass(seen);
    const host = await startHandlers({ providers: providers(Pager as Type) });
    await host.dbt(failed('7'));
    await host.dbt(failed('8'));
    expect(seen).toEqual(['made by Nest: 7 1', 'made by Nest: 8 1']);
    expect(await host.outcomes()).toEqual(['Pager.page 1 succeeded', 'Pager.page 1 succeeded']);
    expect(host.log.containing('is provided more than once')).toEqual([]);
  });

  it('runs the handlers of a controller and keeps its routes', async () => {
    const seen: unknown[] = [];
    @Controller('runs')
    class Runs {
      @Get()
      all(): unknown[] {
        return seen;
      }

      @OnRunFailed()
      add(event: RunFailed): void {
        seen.push(event.run.id);
      }
    }
    const host = await startHandlers({ controllers: [Runs] });
    await host.dbt(failed());
    expect(seen).toEqual(['7']);
  });

  it('runs the handlers of a request-scoped controller', async () => {
    const seen: unknown[] = [];
    @Controller({ path: 'runs', scope: Scope.REQUEST })
    class Runs {
      constructor(@Inject(REQUEST) private readonly request: WebhookRequest) {}

      @OnRunFailed()
      add(event: RunFailed): void {
        seen.push(this.request.event === event);
      }
    }
    const host = await startHandlers({ controllers: [Runs] });
    await host.dbt(failed());
    expect(seen).toEqual([true]);
  });
});

describe('a class that is provided twice', () => {
  const twice: [string, (pager: Type) => { imports?: DynamicModule[]; providers?: Provider[] }][] = [
    ['in two modules', (Pager) => ({ imports: [moduleOf([Pager])], providers: [Pager] })],
    [
      'in a module that is imported twice',
      (Pager) => {
        class Feature {}
        const imported = (): DynamicModule => ({
          module: Feature,
          providers: [Pager, { provide: 'option', useValue: {} }],
        });
        return { imports: [imported(), imported()] };
      },
    ],
    ['under another token', (Pager) => ({ providers: [Pager, { provide: 'other', useClass: Pager }] })],
    [
      'by two factories',
      (Pager) => ({
        providers: [
          { provide: 'a', useFactory: () => new Pager() as object },
          { provide: 'b', useFactory: () => new Pager('second') as object },
        ],
      }),
    ],
  ];

  it.each(twice)(
    'runs its handlers once and logs the instance they run on when provided %s',
    async (_name, metadata) => {
      const seen: unknown[] = [];
      const host = await startHandlers(metadata(pagerClass(seen) as Type));
      await host.dbt(failed());
      expect(seen).toEqual(['made by Nest: 7 1']);
      expect(host.log.containing('Pager is provided more than once')).toHaveLength(1);
    },
  );
});

function moduleOf(providers: Provider[]): DynamicModule {
  return { module: class FeatureModule {}, providers };
}

describe('handler instances', () => {
  it('are created for each attempt of each delivery, with REQUEST as the event and the delivery', async () => {
    const seen: { instance: object; request: WebhookRequest; event: RunFailed; delivery: DeliveryContext }[] = [];
    @Injectable({ scope: Scope.REQUEST })
    class Dependency {
      constructor(@Inject(REQUEST) readonly request: WebhookRequest) {}
    }
    @Injectable()
    class Pager {
      constructor(@Inject(Dependency) private readonly dependency: Dependency) {}

      @OnRunFailed()
      page(event: RunFailed, delivery: DeliveryContext): void {
        seen.push({ instance: this, request: this.dependency.request, event, delivery });
        if (delivery.attempt === 1) throw new Error('again');
      }
    }
    const host = await startHandlers({ providers: [Dependency, Pager] });
    await host.dbt(failed());
    await host.later();
    expect(seen).toHaveLength(2);
    for (const { request, event, delivery } of seen) {
      expect(request.event).toBe(event);
      expect(request.delivery).toBe(delivery);
    }
    expect(seen[0]?.instance).not.toBe(seen[1]?.instance);
  });

  it('are not shared when the class is transient', async () => {
    const seen = new Set<object>();
    @Injectable({ scope: Scope.TRANSIENT })
    class Pager {
      @OnRunFailed()
      page(): void {
        seen.add(this);
      }
    }
    const host = await startHandlers({ providers: [Pager] });
    await host.dbt(failed('7'));
    await host.dbt(failed('8'));
    expect(seen.size).toBe(2);
  });

  it('are shared when a singleton uses a transient provider', async () => {
    const seen = new Set<object>();
    @Injectable({ scope: Scope.TRANSIENT })
    class Dependency {}
    @Injectable()
    class Pager {
      constructor(@Inject(Dependency) readonly dependency: Dependency) {}

      @OnRunFailed()
      page(): void {
        seen.add(this);
        seen.add(this.dependency);
      }
    }
    const host = await startHandlers({ providers: [Dependency, Pager] });
    await host.dbt(failed('7'));
    await host.dbt(failed('8'));
    expect(seen.size).toBe(2);
  });

  it('come from their own module when two modules provide the class', async () => {
    const seen: unknown[] = [];
    @Injectable({ scope: Scope.REQUEST })
    class Pager {
      constructor(@Inject('name') private readonly name: string) {}

      @OnRunFailed()
      page(): void {
        seen.push(this.name);
      }
    }
    @Module({ providers: [Pager, { provide: 'name', useValue: 'feature' }], exports: [Pager] })
    class Feature {}
    const host = await startHandlers({ imports: [Feature], providers: [Pager, { provide: 'name', useValue: 'app' }] });
    await host.dbt(failed());
    expect(seen).toEqual(['app']);
    expect(host.log.containing('its handlers run on the instance from AppModule (token Pager)')).toHaveLength(1);
  });

  it('follow the durable strategy of the host, which is called for handlers only', async () => {
    const seen: unknown[] = [];
    const calls: unknown[] = [];
    const tenants = new Map<string, ContextId>();
    const strategy: ContextIdStrategy<WebhookRequest> = {
      attach(contextId, request) {
        calls.push(request.delivery.handlerId);
        const tenant = String(request.event.source);
        const tenantId = tenants.get(tenant) ?? ContextIdFactory.create();
        tenants.set(tenant, tenantId);
        return {
          payload: { tenant },
          resolve: (info: HostComponentInfo) => (info.isTreeDurable ? tenantId : contextId),
        };
      },
    };
    @Injectable({ scope: Scope.REQUEST, durable: true })
    class Durable {
      constructor(@Inject(REQUEST) private readonly request: { tenant: string }) {}

      @OnRunFailed()
      page(): void {
        seen.push(this, this.request.tenant);
      }
    }
    @Injectable({ scope: Scope.REQUEST })
    class Scoped {
      @OnRunFailed()
      page(): void {}
    }
    ContextIdFactory.apply(strategy as ContextIdStrategy);
    try {
      const host = await startHandlers({ providers: [Durable, Scoped] });
      await host.dbt(failed('7'));
      await host.dbt(failed('8'));
    } finally {
      ContextIdFactory.apply(undefined as unknown as ContextIdStrategy);
    }
    const [first] = seen;
    expect(seen).toEqual([first, 'dbt', first, 'dbt']);
    expect(new Set(calls)).toEqual(new Set(['Durable.page']));
  });
});

describe('handler inheritance', () => {
  it('runs the handlers of an abstract class for each subclass', async () => {
    const seen: string[] = [];
    abstract class Base {
      abstract readonly name: string;

      @OnRunFailed()
      page(event: RunFailed): void {
        seen.push(`${this.name} ${event.run.id}`);
      }
    }
    @Injectable()
    class A extends Base {
      readonly name = 'a';
    }
    @Injectable()
    class B extends Base {
      readonly name = 'b';
    }
    const host = await startHandlers({ providers: [A, B] });
    await host.dbt(failed());
    expect(seen.sort()).toEqual(['a 7', 'b 7']);
    expect(await host.outcomes()).toEqual(['A.page 1 succeeded', 'B.page 1 succeeded']);
  });

  it('ignores a method that overrides a handler without a decorator', async () => {
    class Base {
      @OnRunFailed()
      page(): void {}

      @OnRunFailed()
      kept(): void {}
    }
    @Injectable()
    class Pager extends Base {
      override page(): void {
        throw new Error('called');
      }
    }
    const host = await startHandlers({ providers: [Pager] });
    await host.dbt(failed());
    expect(await host.outcomes()).toEqual(['Pager.kept 1 succeeded']);
  });

  it('uses only the new decorator when a method overrides a handler with one', async () => {
    class Base {
      @OnRunFailed({ id: 'base' })
      page(): void {}
    }
    @Injectable()
    class Pager extends Base {
      @OnRunFailed({ id: 'own' })
      override page(): void {}
    }
    const host = await startHandlers({ providers: [Pager] });
    await host.dbt(failed());
    expect(await host.outcomes()).toEqual(['own 1 succeeded']);
  });
});

describe('handler methods', () => {
  it('are found when another decorator replaced the method', async () => {
    const seen: string[] = [];
    const wrapped: MethodDecorator = (target, key) => {
      const original = (target as Record<string | symbol, (...args: unknown[]) => unknown>)[key];
      const value = function (this: unknown, ...args: unknown[]): unknown {
        seen.push('wrapper');
        return original?.apply(this, args);
      };
      return { value, configurable: true, writable: true } as never;
    };
    @Injectable()
    class Pager {
      @wrapped
      @OnRunFailed()
      page(event: RunFailed): void {
        seen.push(event.run.id);
      }
    }
    const host = await startHandlers({ providers: [Pager] });
    await host.dbt(failed());
    expect(seen).toEqual(['wrapper', '7']);
  });

  it.each([Scope.DEFAULT, Scope.REQUEST])(
    'are found when the name is a symbol and an id is set; scope %s',
    async (scope) => {
      const seen: string[] = [];
      @Injectable({ scope })
      class Pager {
        @OnRunFailed({ id: 'by-symbol' })
        [Symbol('page')](event: RunFailed): void {
          seen.push(event.run.id);
        }
      }
      const host = await startHandlers({ providers: [Pager] });
      await host.dbt(failed());
      expect(seen).toEqual(['7']);
      expect(await host.outcomes()).toEqual(['by-symbol 1 succeeded']);
    },
  );

  it('are found when the method is private', async () => {
    const seen: string[] = [];
    @Injectable()
    class Pager {
      readonly named = (event: RunFailed): void => this.page(event);

      @OnRunFailed()
      private page(event: RunFailed): void {
        seen.push(event.run.id);
      }
    }
    const host = await startHandlers({ providers: [Pager] });
    await host.dbt(failed());
    expect(seen).toEqual(['7']);
  });
});

describe('handler explorer', () => {
  it('calls no getter and tolerates any provider value', async () => {
    const touched: string[] = [];
    class Base {
      get inherited(): string {
        touched.push('inherited getter');
        throw new Error('getter');
      }
    }
    @Injectable()
    class Lazy extends Base {
      get connection(): string {
        touched.push('getter');
        throw new Error('getter');
      }

      set connection(_value: string) {
        touched.push('setter');
      }

      @OnRunFailed()
      page(): void {}
    }
    const values: unknown[] = [
      null,
      undefined,
      0,
      'text',
      Symbol('value'),
      () => 'function',
      class Unused {},
      Object.create(null),
      Object.create({}),
      Object.freeze({ page: 1 }),
      [],
      new Map(),
      new Date(),
      new Proxy({}, { get: () => () => undefined }),
    ];
    const host = await startHandlers({
      providers: [Lazy, ...values.map((useValue, index) => ({ provide: `value ${index}`, useValue }))],
    });
    await host.dbt(failed());
    expect(touched).toEqual([]);
    expect(await host.outcomes()).toEqual(['Lazy.page 1 succeeded']);
  });

  it('ignores handlers that a test of the host replaced by a mock', async () => {
    const seen: unknown[] = [];
    const Pager = pagerClass(seen);
    const host = await startHandlers({
      providers: [Pager],
      override: (builder) => builder.overrideProvider(Pager).useValue({ page: () => seen.push('mock') }),
    });
    await host.dbt(failed());
    expect(seen).toEqual([]);
    expect(await host.outcomes()).toEqual([]);
  });

  it('ignores a factory or value that returns nothing, whatever class it is provided as', async () => {
    const Pager = pagerClass([]);
    const host = await startHandlers({
      providers: [
        { provide: Pager, useValue: null },
        { provide: 'factory', useFactory: () => null },
      ],
    });
    await host.dbt(failed());
    expect(await host.outcomes()).toEqual([]);
  });

  it('runs a method that a test of the host later replaced by a spy', async () => {
    const seen: unknown[] = [];
    const Pager = pagerClass(seen);
    const host = await startHandlers({ providers: [Pager] });
    await host.dbt(failed('7'));
    host.app.get(Pager).page = () => seen.push('spy');
    await host.dbt(failed('8'));
    expect(seen).toEqual(['made by Nest: 7 1', 'spy']);
  });
});
