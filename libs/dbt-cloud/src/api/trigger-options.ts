import { type ActionOptions, ARGUMENTS, type ArgumentCheck, defined, wrongArgument } from 'nestjs-runhooks/core';

/** Pull request of one git provider, by its number. GitLab calls it a merge request. */
export type DbtCloudPullRequest =
  { readonly github: number } | { readonly gitlab: number } | { readonly azure: number };

/** Settings of a new run that replace those of its job or its environment. Only the fields that are set are sent. */
export interface DbtCloudRunOverrides {
  /** Branch to check out. @default that of the environment */
  readonly branch?: string;
  /** Commit to check out. @default the newest one of the branch */
  readonly sha?: string;
  /** Schema that the run writes to, for example that of a pull request. */
  readonly schema?: string;
  /** `target.name` of dbt. */
  readonly target?: string;
  /** Commands of dbt, for example `['dbt build --select orders+']`. */
  readonly steps?: readonly string[];
  readonly pullRequest?: DbtCloudPullRequest;
  /** Version of dbt, in the words of dbt Cloud. */
  readonly dbtVersion?: string;
  /** Number of threads of dbt. */
  readonly threads?: number;
  readonly generateDocs?: boolean;
  /** Time after which dbt Cloud ends the run, in seconds. */
  readonly timeoutSeconds?: number;
}

/** Options of a new run of a job. */
export interface DbtCloudTriggerOptions extends ActionOptions, DbtCloudRunOverrides {
  /**
   * Reason of the run. dbt Cloud shows it behind the mark of the action, and webhooks report both in `runReason`. Together they
   * are cut to 255 characters, and line breaks become spaces.
   */
  readonly cause: string;
}

const { cause, text, texts, flag, count, seconds } = ARGUMENTS;

const CHECKS: Readonly<Record<'cause' | keyof DbtCloudRunOverrides, ArgumentCheck>> = {
  cause,
  branch: text,
  sha: text,
  schema: text,
  target: text,
  steps: texts,
  pullRequest: (value) => (isPullRequest(value) ? undefined : 'one number, as github, gitlab or azure'),
  dbtVersion: text,
  threads: count,
  generateDocs: flag,
  timeoutSeconds: seconds,
};

/** Returns what is wrong with the options of a trigger, or `undefined`. */
export function wrongTrigger(options: DbtCloudTriggerOptions): string | undefined {
  return wrongArgument('trigger', options, CHECKS);
}

function isPullRequest(value: unknown): boolean {
  const [first, ...others] = typeof value === 'object' && value !== null ? Object.entries(value) : [];
  if (first === undefined || others.length > 0) return false;
  return /^(?:github|gitlab|azure)$/.test(first[0]) && count(first[1]) === undefined;
}

/** Returns the body of a trigger (`TriggerRunRequestRequest` of dbt's OpenAPI specification). */
export function triggerBody(cause: string, overrides: DbtCloudRunOverrides): object {
  const { pullRequest = {} } = overrides;
  const { github, gitlab, azure }: { github?: number; gitlab?: number; azure?: number } = pullRequest;
  return defined({
    cause,
    git_branch: overrides.branch,
    git_sha: overrides.sha,
    schema_override: overrides.schema,
    target_name_override: overrides.target,
    steps_override: overrides.steps,
    github_pull_request_id: github,
    gitlab_merge_request_id: gitlab,
    azure_pull_request_id: azure,
    dbt_version_override: overrides.dbtVersion,
    threads_override: overrides.threads,
    generate_docs_override: overrides.generateDocs,
    timeout_seconds_override: overrides.timeoutSeconds,
  });
}
