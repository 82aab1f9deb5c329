import { ModuleRef, type DiscoveryService } from '@nestjs/core';

/** What Nest keeps of one provider or controller. */
export type ProviderWrapper = ReturnType<DiscoveryService['getProviders']>[number];

/** The module that holds it. */
export type HostModule = NonNullable<ProviderWrapper['host']>;

/** Whether there is one instance for all of the app. Both: the dependency tree of a transient provider is static, too. */
export function isStatic(wrapper: ProviderWrapper): boolean {
  return wrapper.isDependencyTreeStatic() && !wrapper.isTransient;
}

/** What a module's own providers would get for `ModuleRef`. */
export function moduleRefOf(host: HostModule): ModuleRef {
  return host.getProviderByKey<ModuleRef>(ModuleRef).instance;
}
