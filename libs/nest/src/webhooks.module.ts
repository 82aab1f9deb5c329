import { randomUUID } from 'node:crypto';
import {
  Module,
  Scope,
  type DynamicModule,
  type InjectionToken,
  type ModuleMetadata,
  type OptionalFactoryDependency,
  type Provider,
  type Type,
} from '@nestjs/common';
import { DiscoveryModule, ModulesContainer } from '@nestjs/core';
import { ConfigurationError } from 'nestjs-runhooks/core';
import { Inbox, requireOneCopy } from 'nestjs-runhooks/internal';
import { WebhookRoutesRegistrar } from './http/webhook-routes.registrar.js';
import { injectedApis, providerApiToken } from './decorators/inject-provider-api.decorator.js';
import { EventEmitterBridge } from './event-emitter.bridge.js';
import { HandlerExplorer } from './handlers/handler.explorer.js';
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

/** Injection token that exists only in an import with options. */
const INSTANCE = 'nestjs-runhooks:instance';

/**
 * Class that creates the options, for `useClass` and `useExisting`.
 *
 * ```ts
 * @Injectable()
 * class WebhooksConfig implements WebhooksOptionsFactory {
 *   constructor(private readonly config: ConfigService) {}
 *
 *   createWebhooksOptions(): WebhooksOptions {
 *     return { sources: [dbtCloud({ name: 'dbt', secrets: [this.config.get('SECRET')] })], inbox: … };
 *   }
 * }
 * ```
 */
export interface WebhooksOptionsFactory {
  createWebhooksOptions(): WebhooksOptions | Promise<WebhooksOptions>;
}

/** Options for `WebhooksModule.forRootAsync`: one of `useFactory`, `useClass` and `useExisting`. */
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

/** Module that receives webhooks and runs the app's handlers. Import it once, in a module that the app starts with. */
@Module({
  imports: [DiscoveryModule],
  providers: [
    // The provider of forRoot or forRootAsync replaces this one.
    { provide: WEBHOOKS_OPTIONS, useFactory: refuseBareImport },
    { provide: WEBHOOKS_STORE, useFactory: createStore, inject: [WEBHOOKS_OPTIONS] },
    EventEmitterBridge,
    WebhooksRuntime,
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
  /**
   * Imports the module with the given options.
   *
   * @throws ConfigurationError if the options are not one object of known options
   */
  static forRoot(options: WebhooksOptions & WebhooksModuleExtras): DynamicModule {
    requireRootOptions(options);
    const { isGlobal, ...rest } = options;
    // Nest may hash or print the values of a dynamic module. The options hold secrets, so they stay behind a function.
    return WebhooksModule.forRootAsync({ useFactory: () => rest, ...(isGlobal !== undefined && { isGlobal }) });
  }

  /**
   * Imports the module with options that a factory or a class creates. Both may have dependencies:
   *
   * ```ts
   * WebhooksModule.forRootAsync({
   *   inject: [ConfigService],
   *   useFactory: (config: ConfigService) => ({
   *     sources: [dbtCloud({ name: 'dbt', secrets: [config.getOrThrow<string>('DBT_CLOUD_WEBHOOK_SECRET')] })],
   *     inbox: sqliteInbox({ path: 'runhooks.db' }),
   *   }),
   * });
   * ```
   *
   * @throws ConfigurationError if there is not exactly one way to create the options
   */
  static forRootAsync(options: WebhooksAsyncOptions): DynamicModule {
    // A class of another copy would make Nest fail with a worse error, so this check is the first one.
    requireOneCopy();
    requireAsyncOptions(options);
    // The random value makes two calls two modules, whatever Nest's id algorithm, so that a second call is detected.
    const instance = { provide: INSTANCE, useValue: randomUUID() };
    return {
      module: WebhooksModule,
      global: options.isGlobal ?? false,
      imports: options.imports ?? [],
      // Nest reads both when it scans the modules. By then, the classes of the app and their decorators are loaded.
      get providers() {
        return [...optionsProviders(options as OptionsOrigin), instance, ...injectedApis().map(apiProvider)];
      },
      get exports() {
        return injectedApis().map(providerApiToken);
      },
    };
  }

  constructor(modules: ModulesContainer) {
    refuseSecondImport(modules);
    refuseLazyLoading(modules);
    // Nest runs shutdown hooks by distance from the root, nearest first, and startup hooks in the reverse order. Handlers
    // must be drained while the providers they use still exist, and must be found when all providers exist.
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

/** Transient, so that Nest creates it for a class that injects it, and never for another app in the process. */
function apiProvider(source: string): Provider {
  return {
    provide: providerApiToken(source),
    scope: Scope.TRANSIENT,
    useFactory: (runtime: WebhooksRuntime) => runtime.clientOf(source),
    inject: [WebhooksRuntime],
  };
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
      'expected one call of forRoot or forRootAsync, got more than one. List every source in one call',
    );
  }
}

/** A lazily loaded module gets no lifecycle hooks and no routes. It is recognized by having no way from the root module. */
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
    'expected an import in a module that the app starts with, got a lazy load. ' +
      'Modules with handlers may be lazy: call Webhooks.discover() after loading one',
  );
}
