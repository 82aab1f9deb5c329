import { ConfigurationError } from '../errors.js';
import { kindOf } from '../kind-of.js';
import { LIMITS } from '../limits.js';
import { requireInteger } from '../option-checks.js';
import type { Provider } from './provider.js';
import type { ApiHost, ProviderApi } from './provider-api.js';

/** Options of every source. */
export interface SourceOptions {
  /** Unique name: lower-case letters, digits, `-` and `_`. It is part of the default path, event ids and log lines. */
  readonly name: string;
  /**
   * Absolute path or paths. A global prefix or version of the app does not apply to them.
   * @default `/webhooks/<name>`
   */
  readonly path?: string | readonly string[];
  /**
   * Largest accepted body, in bytes. A larger one receives a 413 and is not read.
   * @default 1048576 (1 MiB)
   */
  readonly bodyBytesMax?: number;
  /**
   * `false` disables the source, for laptops and CI without its secret: `enabled: Boolean(process.env.…)`. Its secrets
   * are not checked, it has no route, its messages wait in the inbox, and each startup warns.
   * @default true
   */
  readonly enabled?: boolean;
}

/** A configured sender, as `dbtCloud(…)` or `paradime(…)` returns it. */
export interface Source extends SourceOptions {
  /** Name of the provider. */
  readonly provider: string;
  /**
   * Returns the provider. Called once at startup.
   *
   * @throws {ConfigurationError} if an option is invalid.
   */
  open(): Provider;
  /**
   * Returns the access to the provider's API, or `undefined` if the source has none. Called once at startup.
   *
   * @throws {ConfigurationError} if an option is invalid.
   */
  openApi?(host: ApiHost): ProviderApi | undefined;
}

/** A checked source with its provider. */
export interface OpenSource {
  readonly name: string;
  readonly paths: readonly string[];
  readonly bodyBytesMax: number;
  readonly provider: Provider;
  /** Access to the provider's API. Only workers open it. @default none */
  readonly api?: ProviderApi;
}

/** The name of a source and of its provider. */
export type NamedSource = Pick<Source, 'name' | 'provider'>;

const NAME = /^[a-z0-9][a-z0-9_-]*$/;
/** Paths without `.` and `..`, which senders resolve before they send. */
const PATH = /^(?:\/(?!\.{1,2}(?:\/|$))[A-Za-z0-9._~-]+)+$/;

/** Returns the sources with `enabled: false`. */
export function disabledSources(sources: readonly Source[]): NamedSource[] {
  return sources.filter(isDisabled).map(({ name, provider }) => ({ name, provider }));
}

/**
 * Checks the sources of an app and opens those that are enabled.
 *
 * @throws {ConfigurationError} if an option is invalid, or if two sources have the same name or path.
 */
export function openSources(sources: readonly Source[]): OpenSource[] {
  if (!Array.isArray(sources)) {
    throw new ConfigurationError('sources', `expected an array, got ${kindOf(sources)}. For example [dbtCloud({ … })]`);
  }
  if (sources.length === 0) {
    throw new ConfigurationError('sources', 'expected at least one source, got none. For example dbtCloud({ … })');
  }
  const ownerOfName = new Set<string>();
  const ownerOfPath = new Map<string, string>();
  return sources.flatMap((source, index) => {
    const open = checkSource(source, `sources[${index}]`);
    if (ownerOfName.has(open.name)) {
      throw new ConfigurationError(
        `sources[${index}].name`,
        `expected a unique name, got "${open.name}", the name of an earlier source`,
      );
    }
    ownerOfName.add(open.name);
    for (const path of open.paths) {
      const owner = ownerOfPath.get(path);
      if (owner !== undefined) {
        throw new ConfigurationError(
          `sources[${index}].path`,
          `expected a unique path, got "${path}" of source "${owner}"`,
        );
      }
      ownerOfPath.set(path, open.name);
    }
    return isDisabled(source) ? [] : [{ ...open, provider: source.open() }];
  });
}

function isDisabled({ enabled }: Source): boolean {
  return enabled === false;
}

function checkSource(source: Source, option: string): Omit<OpenSource, 'provider'> {
  if (typeof source?.open !== 'function') {
    throw new ConfigurationError(
      option,
      `expected a source, such as dbtCloud({ … }) or paradime({ … }), got ${kindOf(source)}. ` +
        'To disable a source under a condition, set its `enabled`: dbtCloud({ …, enabled: condition })',
    );
  }
  const { name, path = `/webhooks/${name}`, bodyBytesMax = LIMITS.bodyBytesMax, enabled = true } = source;
  if (typeof name !== 'string' || !NAME.test(name) || name.length > LIMITS.sourceNameCharsMax) {
    throw new ConfigurationError(
      `${option}.name`,
      `expected 1 to ${LIMITS.sourceNameCharsMax} lower-case letters, digits, "-" or "_", got ${JSON.stringify(name)}`,
    );
  }
  const paths = Array.isArray(path) ? (path as readonly string[]) : [path as string];
  for (const one of paths.length > 0 ? paths : ['']) {
    if (typeof one !== 'string' || !PATH.test(one)) {
      throw new ConfigurationError(
        `${option}.path`,
        `expected an absolute path such as "/webhooks/${name}", without parameters or a trailing slash, got ${JSON.stringify(one)}`,
      );
    }
  }
  requireInteger(`${option}.bodyBytesMax`, bodyBytesMax, 1, Number.MAX_SAFE_INTEGER);
  if (enabled !== true && enabled !== false) {
    throw new ConfigurationError(
      `${option}.enabled`,
      `expected true or false, got ${kindOf(enabled)}. For example Boolean(process.env.MY_WEBHOOK_SECRET)`,
    );
  }
  return { name, paths: [...paths], bodyBytesMax };
}
