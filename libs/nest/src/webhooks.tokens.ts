/** Metadata key of decorated methods. It is a string, so that both builds of the package read the same metadata. */
export const HANDLER_METADATA = 'nestjs-runhooks:handler';

/** Injection token of the resolved `WebhooksOptions`. */
export const WEBHOOKS_OPTIONS = 'nestjs-runhooks:options';

/**
 * Injection token of the store. Tests override it with a `Store` or a `StoreFactory`:
 *
 * ```ts
 * Test.createTestingModule({ imports: [AppModule] }).overrideProvider(WEBHOOKS_STORE).useValue(memoryInbox());
 * ```
 */
export const WEBHOOKS_STORE = 'nestjs-runhooks:store';

/** Beginning of the injection tokens of clients of APIs; the name of the source follows. */
export const PROVIDER_API = 'nestjs-runhooks:provider-api:';
