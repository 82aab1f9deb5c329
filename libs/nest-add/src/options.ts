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
  const found = (Array.isArray(provider) ? provider : [provider])
    .flatMap((entry) => String(entry).split(','))
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');
  for (const entry of found) requireOneOf('--provider', PROVIDERS, entry);
  const providers = PROVIDERS.filter((name) => found.includes(name));
  if (providers.length === 0) throw unexpected('--provider', PROVIDERS, 'none');
  return {
    providers,
    inbox: requireOneOf('--inbox', INBOXES, inbox),
    sourceRoot: String(sourceRoot).replace(/^\.?\/+|\/+$/g, ''),
  } satisfies NestAddOptions;
}

function requireOneOf<T extends string>(flag: string, allowed: readonly T[], found: unknown): T {
  const value = allowed.find((entry) => entry === found);
  if (value === undefined) throw unexpected(flag, allowed, JSON.stringify(found));
  return value;
}

function unexpected(flag: string, allowed: readonly string[], found: string): Error {
  return new Error(`${flag}: expected ${allowed.join(' or ')}, got ${found}`);
}
