export const PROVIDERS = ['dbt-cloud', 'paradime'] as const;
export type Provider = (typeof PROVIDERS)[number];

export const INBOXES = ['sqlite', 'postgres'] as const;
export type InboxKind = (typeof INBOXES)[number];

/** Options as the Nest CLI passes them: flags, answers to prompts, or defaults of schema.json. */
export interface NestAddFlags {
  readonly provider?: unknown;
  readonly inbox?: unknown;
  readonly sourceRoot?: unknown;
}

export interface NestAddOptions {
  readonly providers: readonly Provider[];
  readonly inbox: InboxKind;
  /** Without slashes at its ends. */
  readonly sourceRoot: string;
}

/** Returns the checked options. @throws Error that names the flag, what was found and what is expected */
export function checkOptions({ provider = 'dbt-cloud', inbox = 'sqlite', sourceRoot = 'src' }: NestAddFlags) {
  const found = String(provider)
    .split(',')
    .map((entry) => requireOneOf('--provider', PROVIDERS, entry.trim()));
  return {
    providers: PROVIDERS.filter((name) => found.includes(name)),
    inbox: requireOneOf('--inbox', INBOXES, inbox),
    sourceRoot: String(sourceRoot).replace(/^\.?\/+|\/+$/g, ''),
  } satisfies NestAddOptions;
}

function requireOneOf<T extends string>(flag: string, allowed: readonly T[], found: unknown): T {
  const value = allowed.find((entry) => entry === found);
  if (value === undefined) throw new Error(`${flag}: expected ${allowed.join(' or ')}, got ${JSON.stringify(found)}`);
  return value;
}
