import { didYouMean, type Handler, type OpenSource } from 'nestjs-runhooks/internal';

/**
 * Returns warnings about handlers of message types that their provider does not list. They are no errors, because the
 * provider may send types newer than this version. A provider that lists no types knows all.
 */
export function unknownMessageTypes(handlers: readonly Handler[], sources: readonly OpenSource[]): string[] {
  const knownOf = new Map(sources.map(({ provider }) => [provider.name, provider.messageTypes]));
  return handlers.flatMap(({ id, subscriptions }) =>
    subscriptions.flatMap(({ on }) => {
      if (!('provider' in on) || on.messageType === undefined) return [];
      const { provider, messageType } = on;
      const known = knownOf.get(provider);
      if (known === undefined || known.includes(messageType)) return [];
      return [
        `Handler "${id}" waits for ${provider} message "${messageType}", a type unknown to Runhooks` +
          `${didYouMean(messageType, known)}. It runs only if the provider sends that type`,
      ];
    }),
  );
}
