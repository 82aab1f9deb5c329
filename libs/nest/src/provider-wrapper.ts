import { ModuleRef, type DiscoveryService } from '@nestjs/core';

/** Nest's record of one provider or controller. */
export type ProviderWrapper = ReturnType<DiscoveryService['getProviders']>[number];

/** The module of a provider or controller. */
export type HostModule = NonNullable<ProviderWrapper['host']>;

/** Whether the app has one instance. The dependency tree of a transient provider is static, too, so both are checked. */
export function isStatic(wrapper: ProviderWrapper): boolean {
  return wrapper.isDependencyTreeStatic() && !wrapper.isTransient;
}

/** Returns the `ModuleRef` that Nest injects into a module's own providers. */
export function moduleRefOf(host: HostModule): ModuleRef {
  return host.getProviderByKey<ModuleRef>(ModuleRef).instance;
}
