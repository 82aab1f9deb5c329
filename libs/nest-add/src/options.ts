export const PROVIDERS = ['dbt-cloud', 'paradime'] as const;
export type Provider = (typeof PROVIDERS)[number];

const INBOXES = ['sqlite', 'postgres'] as const;
export type InboxKind = (typeof INBOXES)[number];

/** Unchecked options of the Nest CLI: flags, values of prompts, or defaults of schema.json. */
export interface NestAddFlags {
  readonly provider?: unknown;
  readonly inbox?: unknown;
  readonly sourceRoot?: unknown;
  readonly project?: unknown;
}

/** Checked options of the schematic. */
export interface NestAddOptions {
  readonly providers: readonly Provider[];
  readonly inbox: InboxKind;
  /** Without slashes at its ends. */
  readonly sourceRoot: string;
  /** The flag, which is missing if the Nest CLI asked for the project or took the default one. */
  readonly project: unknown;
}

/** Returns the checked options. @throws Error that names the flag, what was found and what is expected */
export function checkOptions({ provider = 'dbt-cloud', inbox = 'sqlite', sourceRoot = 'src', project }: NestAddFlags) {
  const found = String(provider)
    .split(',')
    .map((entry) => requireOneOf('--provider', PROVIDERS, entry.trim()));
  return {
    providers: PROVIDERS.filter((name) => found.includes(name)),
    inbox: requireOneOf('--inbox', INBOXES, inbox),
    sourceRoot: withoutSlashes(String(sourceRoot)),
    project,
  } satisfies NestAddOptions;
}

/** Returns a path without `./` at its start and without slashes at its ends. */
export function withoutSlashes(path: string): string {
  return path.replace(/^\.?\/+|\/+$/g, '');
}

export function requireOneOf<T extends string>(flag: string, allowed: readonly T[], found: unknown): T {
  const value = allowed.find((entry) => entry === found);
  if (value === undefined) throw new Error(`${flag}: expected ${allowed.join(' or ')}, got ${JSON.stringify(found)}`);
  return value;
}
