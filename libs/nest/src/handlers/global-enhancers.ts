import type { ApplicationConfig, ContextId } from '@nestjs/core';
import { ConfigurationError } from 'nestjs-runhooks/core';
import { moduleRefOf, type HostModule, type ProviderWrapper } from '../provider-wrapper.js';

/** The global enhancers that run for handlers: all of the app, or none. */
export class GlobalEnhancers {
  constructor(readonly config: ApplicationConfig) {}

  /** Whether some enhancers have an instance for each delivery. */
  areScoped(): boolean {
    return this.scoped().length > 0;
  }

  /** Creates the scoped enhancers for a delivery. Nest creates them only together with the controller of a route. */
  async createIn(contextId: ContextId): Promise<void> {
    for (const wrapper of this.scoped()) {
      await moduleRefOf(wrapper.host as HostModule).resolve(wrapper.token as string, contextId, { strict: true });
    }
  }

  /** Throws {@link ConfigurationError} for a transient enhancer, which Nest would run without calling its constructor. */
  requireScopes(): void {
    const transient = this.scoped().find(({ isTransient }) => isTransient);
    if (!transient) return;
    throw new ConfigurationError(
      'globalEnhancers',
      `the global ${transient.subtype ?? 'enhancer'} ${transient.name} is transient and cannot run for handlers; ` +
        'make it a singleton or request-scoped',
    );
  }

  private scoped(): readonly ProviderWrapper[] {
    const { config } = this;
    return [
      ...config.getGlobalRequestGuards(),
      ...config.getGlobalRequestInterceptors(),
      ...config.getGlobalRequestPipes(),
      ...config.getGlobalRequestFilters(),
    ];
  }
}
