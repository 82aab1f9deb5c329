import { defined } from '../defined.js';
import { requireKnownOptions, requireOptions } from '../option-checks.js';
import type { Provider } from './provider.js';
import type { ApiHost, ProviderApi } from './provider-api.js';
import type { Source, SourceOptions } from './source.js';

/** A function of a provider that makes sources, such as `dbtCloud()`. */
export interface SourceDefinition<Options extends SourceOptions> {
  /** Name of the function, for errors. */
  readonly call: string;
  /** Name of the provider, as in `event.provider`. */
  readonly provider: string;
  /** Call for the error about missing options. */
  readonly example: string;
  /** Names of the options beyond those of every source. */
  readonly optionNames: Readonly<Record<Exclude<OptionName<Options>, keyof SourceOptions>, true>>;
  /** Opens the provider. `option` goes before the name of an option in errors. */
  open(options: Options, option: string): Provider;
  /** Opens the access to the provider's API, if the options ask for it. @default the provider has none */
  openApi?(options: Options, option: string, host: ApiHost): ProviderApi | undefined;
}

/** Names of the options of every variant of a union. */
type OptionName<Options> = Options extends unknown ? keyof Options : never;

const SOURCE_OPTIONS = { name: true, path: true, bodyBytesMax: true, enabled: true } satisfies Record<
  keyof SourceOptions,
  true
>;

/**
 * Returns a source of the provider.
 *
 * @throws {ConfigurationError} if `options` is not an object, or has an unknown option.
 */
export function defineSource<Options extends SourceOptions>(
  { call, provider, example, optionNames, open, openApi }: SourceDefinition<Options>,
  options: Options,
): Source {
  requireOptions(options, call, example);
  const { name, path, bodyBytesMax, enabled } = options;
  const option = `${call}({ name: '${name}' })`;
  requireKnownOptions(option, options, { ...SOURCE_OPTIONS, ...optionNames });
  return {
    name,
    ...defined({ path, bodyBytesMax, enabled }),
    provider,
    open: () => open(options, option),
    ...(openApi && { openApi: (host: ApiHost) => openApi(options, option, host) }),
  };
}
