import type { DiscoveryService } from '@nestjs/core';

/** What Nest keeps of one provider or controller. */
export type ProviderWrapper = ReturnType<DiscoveryService['getProviders']>[number];

/** The module that holds it. */
export type HostModule = NonNullable<ProviderWrapper['host']>;
