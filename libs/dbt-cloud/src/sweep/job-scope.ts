import { defined, refersTo } from 'nestjs-runhooks/core';
import type { DbtCloudApiRun } from '../api/api-objects.js';
import type { DbtCloudApi } from '../api/dbt-cloud-api.js';
import { DBT_CLOUD_LIMITS } from '../limits.js';
import { withoutRefusal } from './without-refusal.js';

/** Options for the scope of sweeps. */
export interface JobScopeOptions {
  readonly api: DbtCloudApi;
  /** Patterns of the option `sweep.jobs`; `undefined` for the jobs of the subscriptions. */
  readonly jobs: readonly string[] | undefined;
  /** Paths of the source, which its subscriptions send to. */
  readonly paths: readonly string[];
}

/** Returns whether the runs of a job are looked for. */
export type InScope = (run: DbtCloudApiRun) => boolean;

/** Jobs whose runs the sweeps look for. */
export class JobScope {
  readonly #options: JobScopeOptions;
  #subscribed: { readonly inScope: InScope; readonly readAt: Date } | undefined;

  constructor(options: JobScopeOptions) {
    this.#options = options;
  }

  /** Returns the jobs for the startup log. */
  describe(): string {
    const { jobs, api } = this.#options;
    if (jobs) return `jobs ${jobs.join(', ')}`;
    return api.can('webhooks') ? 'the jobs of its webhook subscriptions' : 'all jobs of the account';
  }

  /** Returns the current scope. */
  async current(now: Date, signal: AbortSignal): Promise<InScope> {
    const { jobs, api } = this.#options;
    if (jobs) return ({ jobId, jobName }) => refersTo(jobs, defined({ id: jobId, name: jobName }));
    if (!api.can('webhooks')) return all;
    const { readAt } = this.#subscribed ?? {};
    if (!this.#subscribed || !readAt || Math.abs(now.getTime() - readAt.getTime()) >= DBT_CLOUD_LIMITS.scopeMs) {
      this.#subscribed = { inScope: await this.#readSubscribed(signal), readAt: now };
    }
    return this.#subscribed.inScope;
  }

  /** Without the right to read subscriptions, or without one of this source, all jobs are in scope: none must be missed. */
  async #readSubscribed(signal: AbortSignal): Promise<InScope> {
    const { api, paths } = this.#options;
    const subscriptions = await withoutRefusal(() => api.subscriptions({ signal }));
    const own = subscriptions.filter(({ clientUrl }) => paths.some((path) => sendsTo(clientUrl, path)));
    if (own.length === 0 || own.some(({ jobIds }) => jobIds.length === 0)) return all;
    const ids = new Set(own.flatMap(({ jobIds }) => jobIds));
    return ({ jobId }) => jobId === undefined || ids.has(jobId);
  }
}

function all(): boolean {
  return true;
}

/** A gateway can add a prefix to the path of a source. */
function sendsTo(clientUrl: string, path: string): boolean {
  return URL.canParse(clientUrl) && new URL(clientUrl).pathname.replace(/\/+$/, '').endsWith(path);
}
