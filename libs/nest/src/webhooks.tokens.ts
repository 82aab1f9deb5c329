/** Metadata key of decorated methods. A string, so that both builds of this package read the same metadata. */
export const HANDLER_METADATA = 'nestjs-runhooks:handler';

/** Injection token of the resolved `WebhooksOptions`. */
export const WEBHOOKS_OPTIONS = 'nestjs-runhooks:options';

/**
 * Injection token of the store. Override it in tests, by a `Store` or by what makes one:
 * `overrideProvider(WEBHOOKS_STORE).useValue(memoryInbox())`.
 */
export const WEBHOOKS_STORE = 'nestjs-runhooks:store';
