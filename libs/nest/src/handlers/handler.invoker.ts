import 'reflect-metadata';
import { Inject, Injectable, type Type } from '@nestjs/common';
import { ApplicationConfig, ContextIdFactory, ModuleRef, type ContextId } from '@nestjs/core';
import type { Logger } from 'nestjs-runhooks/core';
import type { Handler } from 'nestjs-runhooks/internal';
import { Enhancers, type BoundMethod, type Method } from './enhancers.js';
import { GlobalEnhancers } from './global-enhancers.js';
import { requireEnhancers } from './enhancer-metadata.js';
import { isStatic, moduleRefOf, type HostModule, type ProviderWrapper } from '../provider-wrapper.js';
import { runhooksLogger } from '../runhooks-logger.js';
import type { WebhookRequest } from './webhook-request.js';
import type { WebhooksOptions } from '../webhooks.options.js';
import { WEBHOOKS_OPTIONS } from '../webhooks.tokens.js';

type Methods = Readonly<Record<string | symbol, Method | undefined>>;

/** Runs decorated methods with the enhancers bound to them or their class, and with global ones if the option is set. */
@Injectable()
export class HandlerInvoker {
  private readonly globals: GlobalEnhancers;
  private readonly logger: Logger;

  constructor(
    private readonly moduleRef: ModuleRef,
    config: ApplicationConfig,
    @Inject(WEBHOOKS_OPTIONS) options: WebhooksOptions,
  ) {
    this.logger = runhooksLogger(options);
    this.globals = new GlobalEnhancers(options.globalEnhancers ? config : new ApplicationConfig());
  }

  /**
   * Returns a function that runs `method` of a provider of any scope. It looks the method up each time, so that a later
   * replacement, for example a test's spy, runs.
   */
  invokerFor(
    name: string,
    wrapper: ProviderWrapper,
    host: HostModule,
    prototype: object,
    method: string | symbol,
  ): Handler['invoke'] {
    requireEnhancers(name, host, prototype.constructor, (prototype as Methods)[method]);
    this.globals.requireScopes();
    // Created at the first delivery, because an app may have many handlers that rarely run.
    let enhancers: Enhancers | undefined;
    const around = (bound: BoundMethod): Method => {
      enhancers ??= new Enhancers({
        label: name,
        host,
        providerId: wrapper.id,
        methodName: String(method),
        eventClass: eventClassOf(prototype, method),
        logger: this.logger,
        config: this.globals.config,
      });
      return enhancers.around(bound);
    };
    if (isStatic(wrapper) && !this.globals.areScoped()) {
      const instance = wrapper.instance as Methods;
      let built: { readonly callback: Method; readonly run: Method } | undefined;
      return async (event, delivery) => {
        const callback = instance[method] as Method;
        if (built?.callback !== callback) built = { callback, run: around({ instance, callback }) };
        await built.run(event, delivery);
      };
    }
    return async (event, delivery) => {
      const contextId = this.openContext(wrapper, { event, delivery });
      await this.globals.createIn(contextId);
      const instance = isStatic(wrapper)
        ? (wrapper.instance as Methods)
        : await moduleRefOf(host).resolve<Methods>(wrapper.token as string, contextId, { strict: true });
      await around({ instance, callback: instance[method] as Method, contextId })(event, delivery);
    };
  }

  /** Creates a context for one delivery. In it, `REQUEST` injects a {@link WebhookRequest}. */
  private openContext(wrapper: ProviderWrapper, request: WebhookRequest): ContextId {
    // The app's strategy for durable providers may expect an HTTP request, so it runs only for durable providers.
    const durable = wrapper.isDependencyTreeDurable();
    const contextId = durable ? ContextIdFactory.getByRequest(request) : ContextIdFactory.create();
    const hasStrategy = durable && contextId.getParent !== undefined;
    this.moduleRef.registerRequestByContextId(
      hasStrategy ? (contextId as { payload?: unknown }).payload : request,
      contextId,
    );
    return contextId;
  }
}

/** Returns the class of the first parameter if the compiler emitted it. */
function eventClassOf(prototype: object, method: string | symbol): Type | undefined {
  const parameters = Reflect.getMetadata('design:paramtypes', prototype, method) as Type[] | undefined;
  return parameters?.[0];
}
