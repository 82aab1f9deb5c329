import { ConfigurationError } from '../errors.js';
import { kindOf } from '../kind-of.js';
import { LIMITS } from '../limits.js';
import type { Provider } from './provider.js';

/** What every source can be told, whatever its provider. */
export interface SourceOptions {
  /** Unique name: part of the default path, of event ids and of log lines. Lower-case letters, digits, `-` and `_`. */
  readonly name: string;
  /**
   * Absolute path, or several. No global prefix or version is put before it.
   * @default `/webhooks/<name>`
   */
  readonly path?: string | readonly string[];
  /**
   * Largest body accepted, in bytes; a larger one is answered 413 without being read.
   * @default 1048576 (1 MiB)
   */
  readonly bodyBytesMax?: number;
  /**
   * `false` leaves the source out, for laptops and CI without its secret: `enabled: Boolean(process.env.…)`. Its secrets
   * are then not checked, it has no route, its messages wait in the inbox, and every start warns.
   * @default true
   */
  readonly enabled?: boolean;
}

/** One configured sender, as `dbtCloud(…)` or `paradime(…)` makes it. */
export interface Source extends SourceOptions {
  /** Name of the provider, known before anything is opened. */
  readonly provider: string;
  /** Called once at boot. Throws {@link ConfigurationError}, naming the option, if the provider cannot be made safely. */
  open(): Provider;
}

/** A source after boot: checked, with its provider ready. */
export interface OpenSource {
  readonly name: string;
  readonly paths: readonly string[];
  readonly bodyBytesMax: number;
  readonly provider: Provider;
}

/** A source as filters and the log know it: by its name, and the name of its provider. */
export type NamedSource = Pick<Source, 'name' | 'provider'>;

const NAME = /^[a-z0-9][a-z0-9_-]*$/;
/** Without `.` and `..`, which senders resolve before they send. */
const PATH = /^(?:\/(?!\.{1,2}(?:\/|$))[A-Za-z0-9._~-]+)+$/;

/** The sources with `enabled: false`. */
export function leftOutSources(sources: readonly Source[]): NamedSource[] {
  return sources.filter(isLeftOut).map(({ name, provider }) => ({ name, provider }));
}

/**
 * Checks the sources of one app against each other, and opens those that are enabled. Throws {@link ConfigurationError}.
 */
export function openSources(sources: readonly Source[]): OpenSource[] {
  if (!Array.isArray(sources)) {
    throw new ConfigurationError('sources', `found ${typeof sources}; expected a list, for example [dbtCloud({ … })]`);
  }
  if (sources.length === 0) {
    throw new ConfigurationError('sources', 'found none; name at least one source, for example dbtCloud({ … })');
  }
  const ownerOfName = new Set<string>();
  const ownerOfPath = new Map<string, string>();
  return sources.flatMap((source, index) => {
    const open = checkSource(source, `sources[${index}]`);
    if (ownerOfName.has(open.name)) {
      throw new ConfigurationError(
        `sources[${index}].name`,
        `"${open.name}" is the name of an earlier source; names must differ`,
      );
    }
    ownerOfName.add(open.name);
    for (const path of open.paths) {
      const owner = ownerOfPath.get(path);
      if (owner !== undefined) {
        throw new ConfigurationError(
          `sources[${index}].path`,
          `"${path}" belongs to source "${owner}" already; paths must differ`,
        );
      }
      ownerOfPath.set(path, open.name);
    }
    return isLeftOut(source) ? [] : [{ ...open, provider: source.open() }];
  });
}

function isLeftOut({ enabled }: Source): boolean {
  return enabled === false;
}

function checkSource(source: Source, option: string): Omit<OpenSource, 'provider'> {
  if (typeof source?.open !== 'function') {
    throw new ConfigurationError(
      option,
      `found ${kindOf(source)}; expected a source, as dbtCloud({ … }) or paradime({ … }) makes it. ` +
        'To leave a source out under a condition, set its `enabled`: dbtCloud({ …, enabled: condition })',
    );
  }
  const { name, path = `/webhooks/${name}`, bodyBytesMax = LIMITS.bodyBytesMax, enabled = true } = source;
  if (typeof name !== 'string' || !NAME.test(name) || name.length > LIMITS.sourceNameCharsMax) {
    throw new ConfigurationError(
      `${option}.name`,
      `found ${JSON.stringify(name)}; expected 1 to ${LIMITS.sourceNameCharsMax} lower-case letters, digits, "-" or "_"`,
    );
  }
  const paths = Array.isArray(path) ? (path as readonly string[]) : [path as string];
  for (const one of paths.length > 0 ? paths : ['']) {
    if (typeof one !== 'string' || !PATH.test(one)) {
      throw new ConfigurationError(
        `${option}.path`,
        `found ${JSON.stringify(one)}; expected an absolute path such as "/webhooks/${name}", without parameters or a trailing slash`,
      );
    }
  }
  if (!Number.isSafeInteger(bodyBytesMax) || bodyBytesMax < 1) {
    throw new ConfigurationError(
      `${option}.bodyBytesMax`,
      `found ${bodyBytesMax}; expected a whole number of bytes, at least 1`,
    );
  }
  if (enabled !== true && enabled !== false) {
    throw new ConfigurationError(
      `${option}.enabled`,
      `found ${enabled === null ? 'null' : `a ${typeof enabled}`}; expected true or false, for example Boolean(process.env.MY_WEBHOOK_SECRET)`,
    );
  }
  return { name, paths: [...paths], bodyBytesMax };
}
