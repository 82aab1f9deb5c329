import { randomUUID } from 'node:crypto';
import {
  Inject,
  Module,
  type DynamicModule,
  type InjectionToken,
  type ModuleMetadata,
  type OptionalFactoryDependency,
  type Provider,
  type Type,
} from '@nestjs/common';
import { DiscoveryModule, ModulesContainer } from '@nestjs/core';
import { ConfigurationError, Inbox, requireOneCopy } from 'nestjs-runhooks/core';
import { WebhookRoutesRegistrar } from './http/webhook-routes.registrar.js';
import { EventEmitterBridge } from './event-emitter.bridge.js';
import { HandlerExplorer } from './handlers/handler.explorer.js';
import { HandlerMetadataAccessor } from './handlers/handler-metadata.accessor.js';
import { HandlerInvoker } from './handlers/handler.invoker.js';
import {
  bareImport,
  optionsFrom,
  requireAsyncOptions,
  requireRootOptions,
  requireWebhooksOptions,
} from './module-call.js';
import { WebhooksLifecycle } from './webhooks.lifecycle.js';
import type { WebhooksModuleExtras, WebhooksOptions } from './webhooks.options.js';
import { createStore, WebhooksRuntime } from './webhooks.runtime.js';
import { Webhooks } from './webhooks.service.js';
import { WEBHOOKS_OPTIONS, WEBHOOKS_STORE } from './webhooks.tokens.js';

/** Injection token that only an import with options has. */
const INSTANCE = 'nestjs-runhooks:instance';

/** A class that makes the options, for `useClass` and `useExisting`. */
export interface WebhooksOptionsFactory {
  createWebhooksOptions(): WebhooksOptions | Promise<WebhooksOptions>;
}

/** Where `WebhooksModule.forRootAsync` gets its options from. */
export type WebhooksAsyncOptions = WebhooksModuleExtras &
  Pick<ModuleMetadata, 'imports'> &
  (
    | {
        readonly useFactory: (...dependencies: never[]) => WebhooksOptions | Promise<WebhooksOptions>;
        readonly inject?: (InjectionToken | OptionalFactoryDependency)[];
      }
    | { readonly useClass: Type<WebhooksOptionsFactory> }
    | { readonly useExisting: Type<WebhooksOptionsFactory> }
  );

/** Receives webhooks and runs the handlers of the app. Import it once, in a module the app starts with. */
@Module({
  imports: [DiscoveryModule],
  providers: [
    // Those of forRoot and forRootAsync take the place of this one.
    { provide: WEBHOOKS_OPTIONS, useFactory: refuseBareImport },
    { provide: WEBHOOKS_STORE, useFactory: createStore, inject: [WEBHOOKS_OPTIONS] },
    EventEmitterBridge,
    WebhooksRuntime,
    HandlerMetadataAccessor,
    HandlerInvoker,
    HandlerExplorer,
    WebhookRoutesRegistrar,
    WebhooksLifecycle,
    Webhooks,
    { provide: Inbox, useFactory: (runtime: WebhooksRuntime) => runtime.inbox, inject: [WebhooksRuntime] },
  ],
  exports: [Webhooks, Inbox],
})
export class WebhooksModule {
  /** Options as they are. */
  static forRoot(options: WebhooksOptions & WebhooksModuleExtras): DynamicModule {
    requireRootOptions(options);
    const { isGlobal, ...rest } = options;
    // Behind a function: Nest may hash or print the values of a dynamic module, and these hold secrets.
    return WebhooksModule.forRootAsync({ useFactory: () => rest, ...(isGlobal !== undefined && { isGlobal }) });
  }

  /** Options made by a factory or a class, which may have dependencies, for example a `ConfigService`. */
  static forRootAsync(options: WebhooksAsyncOptions): DynamicModule {
    // Before Nest looks for what a class of another copy wants injected.
    requireOneCopy();
    requireAsyncOptions(options);
    return {
      module: WebhooksModule,
      global: options.isGlobal ?? false,
      imports: options.imports ?? [],
      // Two calls are two modules for Nest, whatever its id algorithm, so that the second one is noticed.
      providers: [...optionsProviders(options as OptionsOrigin), { provide: INSTANCE, useValue: randomUUID() }],
    };
  }

  constructor(@Inject(ModulesContainer) modules: ModulesContainer) {
    refuseSecondImport(modules);
    refuseLazyLoading(modules);
    // Nest runs shutdown hooks by distance from the root, nearest first. Ours must be the first, so that handlers are
    // drained while the providers they use still live; and the last at boot, when every handler is there.
    for (const module of modules.values()) {
      if (module.metatype === WebhooksModule) module.distance = -1;
    }
  }
}

interface OptionsOrigin {
  readonly useFactory?: (...dependencies: unknown[]) => unknown;
  readonly inject?: (InjectionToken | OptionalFactoryDependency)[];
  readonly useClass?: Type<WebhooksOptionsFactory>;
  readonly useExisting?: Type<WebhooksOptionsFactory>;
}

function optionsProviders({ useFactory, inject, useClass, useExisting }: OptionsOrigin): Provider[] {
  const factory = useClass ?? useExisting;
  const make = useFactory ?? optionsFrom;
  const provider: Provider = {
    provide: WEBHOOKS_OPTIONS,
    useFactory: async (...dependencies: unknown[]) => {
      const options = await make(...dependencies);
      requireWebhooksOptions(options);
      return options;
    },
    inject: factory ? [factory] : (inject ?? []),
  };
  return useClass ? [provider, useClass] : [provider];
}

function refuseBareImport(): never {
  throw bareImport();
}

function refuseSecondImport(modules: ModulesContainer): void {
  const imported = [...modules.values()].filter(({ metatype }) => metatype === WebhooksModule);
  if (imported.some(({ providers }) => !providers.has(INSTANCE))) throw bareImport();
  if (imported.length > 1) {
    throw new ConfigurationError(
      'WebhooksModule',
      'imported more than once, by two calls of forRoot or forRootAsync; call it once and list every source there',
    );
  }
}

/** A lazily loaded module gets no lifecycle hooks and comes too late for a route: it has no way from the root module. */
function refuseLazyLoading(modules: ModulesContainer): void {
  const [, root] = [...modules.values()];
  const seen = new Set<typeof root>();
  const open = [root];
  for (let module = open.pop(); module; module = open.pop()) {
    if (module.metatype === WebhooksModule) return;
    if (seen.has(module)) continue;
    seen.add(module);
    open.push(...module.imports);
  }
  throw new ConfigurationError(
    'WebhooksModule',
    'loaded lazily, when the app was running already; import it in a module that the app starts with. ' +
      'Modules with handlers may be lazy: call Webhooks.discover() after loading one',
  );
}
