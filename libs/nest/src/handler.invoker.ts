import { Inject, Injectable } from '@nestjs/common';
import {
  ApplicationConfig,
  ContextIdFactory,
  ExternalContextCreator,
  ModuleRef,
  type ContextId,
  type ModulesContainer,
  type NestContainer,
} from '@nestjs/core';
import type { Handler } from 'nestjs-runhooks/core';
import { requireEnhancers } from './handler-enhancers.js';
import { isStatic, type HostModule, type ProviderWrapper } from './provider-wrapper.js';
import type { WebhookRequest } from './webhook-request.js';

type Method = (...args: unknown[]) => unknown;
type Methods = Readonly<Record<string | symbol, Method | undefined>>;

/** Runs decorated methods, with the guards and interceptors bound to them or their class, and no global ones. */
@Injectable()
export class HandlerInvoker {
  private readonly creators = new Map<HostModule, ExternalContextCreator>();

  constructor(@Inject(ModuleRef) private readonly moduleRef: ModuleRef) {}

  /**
   * How to run `method` of a provider, for every scope a provider can have. The method is looked up each time, so that
   * one that was replaced later, for example by a test's spy, is run.
   */
  invokerFor(
    name: string,
    wrapper: ProviderWrapper,
    host: HostModule,
    prototype: object,
    method: string | symbol,
  ): Handler['invoke'] {
    requireEnhancers(name, host, prototype.constructor, (prototype as Methods)[method]);
    if (isStatic(wrapper)) {
      const instance = wrapper.instance as Methods;
      let built: { readonly callback: Method; readonly run: Method } | undefined;
      return async (event, delivery) => {
        const callback = instance[method] as Method;
        if (built?.callback !== callback) built = { callback, run: this.build(wrapper, host, instance, method) };
        await built.run(event, delivery);
      };
    }
    return async (event, delivery) => {
      const contextId = this.openContext(wrapper, { event, delivery });
      const own = host.getProviderByKey<ModuleRef>(ModuleRef).instance;
      const instance = await own.resolve<Methods>(wrapper.token as string, contextId, { strict: true });
      await this.build(wrapper, host, instance, method, contextId)(event, delivery);
    };
  }

  /** A context for one delivery; `REQUEST` injects a {@link WebhookRequest}. */
  private openContext(wrapper: ProviderWrapper, request: WebhookRequest): ContextId {
    // A host's strategy for durable providers may look into the request, so it is only asked where there are any.
    const durable = wrapper.isDependencyTreeDurable();
    const contextId = durable ? ContextIdFactory.getByRequest(request) : ContextIdFactory.create();
    const hasStrategy = durable && contextId.getParent !== undefined;
    this.moduleRef.registerRequestByContextId(
      hasStrategy ? (contextId as { payload?: unknown }).payload : request,
      contextId,
    );
    return contextId;
  }

  private build(
    wrapper: ProviderWrapper,
    host: HostModule,
    instance: Methods,
    method: string | symbol,
    contextId?: ContextId,
  ): Method {
    return this.creatorFor(host).create(
      instance,
      instance[method] as Method,
      String(method),
      undefined,
      undefined,
      contextId,
      wrapper.id,
      { guards: true, interceptors: true, filters: false },
      'webhook',
    );
  }

  /**
   * Nest's own creator, over a container that holds one module and a fresh `ApplicationConfig`: the first so that it
   * finds the enhancers of this very module, also of controllers; the second so that global ones do not run.
   */
  private creatorFor(host: HostModule): ExternalContextCreator {
    const known = this.creators.get(host);
    if (known) return known;
    const pinned = Object.create(host, { hasProvider: { value: () => true } }) as HostModule;
    const modules = new Map([[host.token, pinned]]) as unknown as ModulesContainer;
    const container = { applicationConfig: new ApplicationConfig(), getModules: () => modules };
    const creator = ExternalContextCreator.fromContainer(container as unknown as NestContainer);
    this.creators.set(host, creator);
    return creator;
  }
}
