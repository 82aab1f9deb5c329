import { Inject } from '@nestjs/common';
import { ConfigurationError, kindOf } from 'nestjs-runhooks/core';
import { PROVIDER_API } from '../webhooks.tokens.js';

/**
 * Names of sources in the decorators of this process. Like all metadata of decorators, they belong to the code and not to an
 * app. Each app provides a client for every name, and creates it only if one of its classes injects it.
 */
const NAMES = new Set<string>();

/**
 * Injects the client of a source's API, for example that of `dbtCloud({ name: 'dbt', api: { … } })`. Like `Inbox`, it needs
 * an import of `WebhooksModule`, unless the module is global. A class that is loaded lazily can inject it if another class
 * that the app starts with injects the same client.
 *
 * ```ts
 * constructor(@InjectProviderApi('dbt') private readonly dbt: DbtCloudApi) {}
 * ```
 *
 * @param source name of the source. If no source has this name, or if it has no `api` option, startup fails
 * @throws ConfigurationError if `source` is not a string
 */
export function InjectProviderApi(source: string): PropertyDecorator & ParameterDecorator {
  if (typeof source !== 'string') {
    throw new ConfigurationError('@InjectProviderApi', `expected the name of a source, got ${kindOf(source)}`);
  }
  NAMES.add(source);
  return Inject(providerApiToken(source));
}

/** Returns the injection token of the client of a source's API. */
export function providerApiToken(source: string): string {
  return `${PROVIDER_API}${source}`;
}

/** Returns the names of sources whose clients are injected somewhere. */
export function injectedApis(): readonly string[] {
  return [...NAMES];
}
