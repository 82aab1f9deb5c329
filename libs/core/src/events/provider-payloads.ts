/**
 * Payload of each provider. Each provider adds its own, so that `event.provider` narrows `event.payload`:
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

/** Message types of each provider, which `@OnMessage` accepts. */
// eslint-disable-next-line @typescript-eslint/no-empty-object-type -- filled by declaration merging
export interface ProviderMessageTypes {}

/**
 * Message types that {@link ProviderMessageTypes} does not list yet, each with its provider:
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
 * Name of a provider whose types the program has loaded. The root import loads those of the built-in providers. Any string
 * in a program that imports only this entry point, for example a store.
 */
export type ProviderName = [keyof ProviderPayloads] extends [never] ? string : keyof ProviderPayloads;

/** Payload of a provider; `unknown` if the program has not loaded its types. */
export type ProviderPayload<P extends ProviderName = ProviderName> = P extends keyof ProviderPayloads
  ? ProviderPayloads[P]
  : unknown;

type ExtraMessageType<P extends ProviderName> = {
  [M in keyof ExtraMessageTypes]: P extends ExtraMessageTypes[M] ? M : never;
}[keyof ExtraMessageTypes];

/** Message type of a provider. */
export type ProviderMessageType<P extends ProviderName = ProviderName> = P extends keyof ProviderMessageTypes
  ? ProviderMessageTypes[P] | ExtraMessageType<P>
  : string;
