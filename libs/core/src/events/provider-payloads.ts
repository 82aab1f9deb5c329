/**
 * The payload each provider sends. A provider adds itself, so that `event.provider` tells the type of `event.payload`:
 *
 * ```ts
 * declare module 'nestjs-runhooks/core' {
 *   interface ProviderPayloads { acme: AcmePayload }
 *   interface ProviderMessageTypes { acme: 'pipeline.done' | 'pipeline.failed' }
 * }
 * ```
 */
// eslint-disable-next-line @typescript-eslint/no-empty-object-type -- filled by declaration merging
export interface ProviderPayloads {}

/** The message types of each provider, in the provider's own words; what `@OnMessage` takes. */
// eslint-disable-next-line @typescript-eslint/no-empty-object-type -- filled by declaration merging
export interface ProviderMessageTypes {}

/**
 * Message types that a provider sends and {@link ProviderMessageTypes} does not list yet, each with its provider:
 *
 * ```ts
 * declare module 'nestjs-runhooks/core' {
 *   interface ExtraMessageTypes { 'job.run.warned': 'dbt-cloud' }
 * }
 * ```
 */
// eslint-disable-next-line @typescript-eslint/no-empty-object-type -- filled by declaration merging
export interface ExtraMessageTypes {}

/**
 * Names of the providers whose types the program has loaded: the built-in ones come with the root import. Any text in a
 * program that imports only this entry point, for example a store.
 */
export type ProviderName = [keyof ProviderPayloads] extends [never] ? string : keyof ProviderPayloads;

/** What a provider sends; unknown where the program has not loaded its types. */
export type ProviderPayload<P extends ProviderName = ProviderName> = P extends keyof ProviderPayloads
  ? ProviderPayloads[P]
  : unknown;

type ExtraMessageType<P extends ProviderName> = {
  [M in keyof ExtraMessageTypes]: P extends ExtraMessageTypes[M] ? M : never;
}[keyof ExtraMessageTypes];

/** A provider's own message type. */
export type ProviderMessageType<P extends ProviderName = ProviderName> = P extends keyof ProviderMessageTypes
  ? ProviderMessageTypes[P] | ExtraMessageType<P>
  : string;
