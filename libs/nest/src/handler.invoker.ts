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
import type { DeliveryContext, Handler, WebhookEvent } from 'nestjs-runhooks/core';
import type { HostModule, ProviderWrapper } from './provider-wrapper.js';
import type { WebhookRequest } from './webhook-request.js';

/** Runs decorated methods, with the guards and interceptors bound to them or their class, and no global ones. */
@Injectable()
export class HandlerInvoker {
  private readonly creators = new Map<HostModule, ExternalContextCreator>();

  constructor(@Inject(ModuleRef) private readonly moduleRef: ModuleRef) {}

  /** How to run `method` of a provider, for every scope a provider can have. */
  invokerFor(wrapper: ProviderWrapper, host: HostModule, method: string): Handler['invoke'] {
    // Both: the dependency tree of a transient provider counts as static.
    const isStatic = wrapper.isDependencyTreeStatic() && !wrapper.isTransient;
    if (isStatic) {
      const run = this.build(wrapper, host, wrapper.instance as object, method, undefined);
      return async (event, delivery) => void (await run(event, delivery));
    }
    return async (event, delivery) => {
      const contextId = this.openContext(wrapper, { event, delivery });
      const own = host.getProviderByKey<ModuleRef>(ModuleRef).instance;
      const instance = await own.resolve<object>(wrapper.token as string, contextId, { strict: true });
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
    instance: object,
    method: string,
    contextId: ContextId | undefined,
  ): (event: WebhookEvent, delivery: DeliveryContext) => Promise<unknown> {
    const callback = (instance as Record<string, (...args: unknown[]) => unknown>)[method] as (
      ...args: unknown[]
    ) => unknown;
    return this.creatorFor(host).create(
      instance,
      callback,
      method,
      undefined,
      undefined,
      contextId,
      wrapper.id,
      { guards: true, interceptors: true, filters: false },
      'webhook',
    ) as (event: WebhookEvent, delivery: DeliveryContext) => Promise<unknown>;
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
