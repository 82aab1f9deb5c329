import type { ActionAnswer, ActionOptions, ActionRun, ApiHost, RetryRunOptions } from 'nestjs-runhooks/core';
import type { ManifestNode } from 'nestjs-runhooks/dbt-artifacts';
import { DBT_CLOUD_LIMITS } from '../limits.js';
import { STATUS_CODE } from '../status.js';
import { type AdminCall, AdminCaller } from './admin-caller.js';
import type {
  DbtCloudApiJob,
  DbtCloudApiPlace,
  DbtCloudApiRun,
  DbtCloudApiSubscription,
  DbtCloudStepLog,
} from './api-objects.js';
import type { ApiRight, ApiSettings } from './api-options.js';
import type {
  DbtCloudArtifactOptions,
  DbtCloudCallOptions,
  DbtCloudJobFilter,
  DbtCloudManifestOptions,
  DbtCloudRunPage,
} from './call-options.js';
import { findManifestNodes } from './manifest-nodes.js';
import { readEach, readJob, readPlace, readSubscription, textOf } from './api-readers.js';
import { integersOf, type Query } from './query.js';
import { artifactCall, read } from './read-calls.js';
import { RunActions } from './run-actions.js';
import { getRun, listRuns } from './run-calls.js';
import { type DbtCloudRunFilter, matchesNothing } from './run-filter.js';
import type { DbtCloudTriggerOptions } from './trigger-options.js';

/**
 * Client for dbt Cloud's Administrative API, with the calls and parameters of dbt's OpenAPI specification
 * (https://github.com/dbt-labs/dbt-cloud-openapi-spec). It calls only the configured address.
 *
 * Every call rejects with a `ProviderApiError` whose `reason` says why, or with a `ProviderCooldownError` while the account
 * cools down after a 429: dbt Cloud then blocks the account for five minutes.
 *
 * `retry`, `trigger` and `cancel` need the option `actToken`. Each is carried out once per `key`: a repeated call returns the same
 * run, also after a restart. They reject with an `ActionPendingError` while the result of a lost answer is not known, which a
 * handler lets through, and with an `ActionUnknownError` if three look-ups did not find it, so that an operator must decide.
 *
 * @example
 * constructor(@InjectProviderApi('dbt') private readonly dbt: DbtCloudApi) {}
 *
 * @OnRunFailed({ id: 'on-call.page' })
 * async page(event: RunFailed, delivery: DeliveryContext) {
 *   const logs = await this.dbt.failedStepLogs(event.run.id, { signal: delivery.signal });
 * }
 */
export class DbtCloudApi {
  readonly #caller: AdminCaller;
  readonly #actions: RunActions;

  /** @internal */
  constructor(settings: ApiSettings, host: ApiHost) {
    this.#caller = new AdminCaller(settings, host);
    this.#actions = new RunActions(this.#caller, host);
  }

  /** Returns whether the source has a token for this right. */
  can(right: ApiRight): boolean {
    return this.#caller.has(right);
  }

  /** Returns a run, with its steps and their logs if `steps` is true. */
  run(id: string, options: DbtCloudCallOptions & { readonly steps?: boolean } = {}): Promise<DbtCloudApiRun> {
    const { steps = false, signal } = options;
    return getRun(this.#caller, id, { right: 'read', related: steps ? ['run_steps'] : [], signal });
  }

  /** Returns all runs that match, page by page. */
  async *runs(filter: DbtCloudRunFilter = {}, options: DbtCloudCallOptions = {}): AsyncGenerator<DbtCloudApiRun> {
    for await (const { runs } of this.runPages(filter, options)) yield* runs;
  }

  /**
   * Returns the pages of all runs that match. In an order other than by `id`, runs that are added or change between two pages
   * can move to another page.
   */
  async *runPages(filter: DbtCloudRunFilter = {}, options: DbtCloudCallOptions = {}): AsyncGenerator<DbtCloudRunPage> {
    for (let offset = 0, hasMore = true; hasMore; offset += DBT_CLOUD_LIMITS.pageItemsMax) {
      const page = await this.runPage(filter, { ...options, offset });
      yield page;
      ({ hasMore } = page);
    }
  }

  /** Returns one page of up to 100 runs that match. */
  async runPage(
    filter: DbtCloudRunFilter = {},
    { offset = 0, signal }: DbtCloudCallOptions & { readonly offset?: number } = {},
  ): Promise<DbtCloudRunPage> {
    if (matchesNothing(filter.ids, filter.projectIds, filter.statuses))
      return { runs: [], hasMore: false, unreadable: 0 };
    return listRuns(this.#caller, filter, { right: 'read', offset, signal });
  }

  /** Returns a job. */
  job(id: string, { signal }: DbtCloudCallOptions = {}): Promise<DbtCloudApiJob> {
    return this.#caller.one(read(`get job ${id}`, 'v2', ['jobs', id], {}, signal), readJob, 'a job');
  }

  /** Returns all jobs that match and are not deleted. */
  async *jobs(
    { projectIds, environmentId, nameContains }: DbtCloudJobFilter = {},
    options: DbtCloudCallOptions = {},
  ): AsyncGenerator<DbtCloudApiJob> {
    if (matchesNothing(projectIds)) return;
    const query: Query = {
      project_id__in: projectIds && integersOf(projectIds),
      environment_id: environmentId,
      name__icontains: nameContains,
    };
    yield* this.#list(read('list jobs', 'v2', ['jobs'], query, options.signal), readJob);
  }

  /** Returns all projects. */
  projects({ signal }: DbtCloudCallOptions = {}): Promise<readonly DbtCloudApiPlace[]> {
    return collect(this.#list(read('list projects', 'v3', ['projects'], { state: 1 }, signal), readPlace));
  }

  /** Returns all environments of a project. */
  environments(projectId: string, { signal }: DbtCloudCallOptions = {}): Promise<readonly DbtCloudApiPlace[]> {
    const path = ['projects', projectId, 'environments'];
    const call = read(`list environments of project ${projectId}`, 'v3', path, { state: 1 }, signal);
    return collect(this.#list(call, readPlace));
  }

  /** Returns the paths of the files that a step of a run wrote; none if it wrote none, or not yet. */
  async artifacts(runId: string, { step, signal }: DbtCloudArtifactOptions = {}): Promise<readonly string[]> {
    const call = read(`list artifacts of run ${runId}`, 'v2', ['runs', runId, 'artifacts'], { step }, signal);
    return readEach((await this.#caller.json(call)).data, textOf);
  }

  /**
   * Returns a file of up to 32 MiB as JSON, not validated. It rejects with `not-found` if the file does not exist, or not
   * yet: files of a failed run can appear minutes after it.
   */
  artifact(runId: string, path: string, { step, signal }: DbtCloudArtifactOptions = {}): Promise<unknown> {
    return this.#caller.file(artifactCall(runId, path, step, signal));
  }

  /**
   * Returns a file as a stream. Read it to the end, or cancel it. The stream fails after `bytesMax` bytes, by default
   * 33,554,432 (32 MiB).
   */
  artifactStream(
    runId: string,
    path: string,
    { step, signal, bytesMax }: DbtCloudArtifactOptions & { readonly bytesMax?: number } = {},
  ): Promise<ReadableStream<Uint8Array>> {
    return this.#caller.fileStream(artifactCall(runId, path, step, signal), bytesMax);
  }

  /**
   * Returns what `manifest.json` says about a node of a run, such as its owner, tags, path and description. Returns `undefined`
   * if the manifest lacks the node, is larger than 512 MiB or is not what dbt writes, or if the run has none.
   *
   * Every call downloads the manifest, without keeping it in memory. For several nodes of a run, use {@link manifestNodes}.
   *
   * @example
   * @OnNodeFailed({ id: 'on-call.page', kind: 'model' })
   * async page({ run, node }: NodeFailed, delivery: DeliveryContext) {
   *   const found = await this.dbt.manifestNode(run.id, node.uniqueId, { signal: delivery.signal });
   *   await this.pager.page(found?.owner ?? 'data-team', `${node.name} failed: ${node.message}`);
   * }
   */
  async manifestNode(
    runId: string,
    uniqueId: string,
    options: DbtCloudManifestOptions = {},
  ): Promise<ManifestNode | undefined> {
    return (await this.manifestNodes(runId, [uniqueId], options)).get(uniqueId);
  }

  /**
   * Returns what `manifest.json` says about nodes of a run, by their `unique_id`, with one download. Nodes for which
   * {@link manifestNode} returns `undefined` are absent.
   */
  manifestNodes(
    runId: string,
    uniqueIds: readonly string[],
    options: DbtCloudManifestOptions = {},
  ): Promise<ReadonlyMap<string, ManifestNode>> {
    return findManifestNodes(this, { runId, uniqueIds, ...options });
  }

  /** Returns the logs of the steps that failed, in their order. */
  async failedStepLogs(runId: string, options: DbtCloudCallOptions = {}): Promise<readonly DbtCloudStepLog[]> {
    const { steps = [] } = await this.run(runId, { ...options, steps: true });
    return steps
      .filter(({ status }) => status === STATUS_CODE.error)
      .map(({ index, name, logs = '' }) => ({ step: index, name, logs }));
  }

  /**
   * Retries a run from the point of its failure, and returns the new run. dbt Cloud retries only the latest run of a job, if it
   * failed and its results are saved, so after `run.completed`, and if it supports the run's commands and version of dbt.
   *
   * If the answer is lost, the new run is recognized by the run that it retries. A retry that a person started at the same time is
   * taken for it.
   *
   * @throws {ActionRefusedError} with the reason `retries-max`, `not-latest`, `not-failed`, `no-results`, `unsupported` or `other`.
   *
   * @example
   * @OnRunCompleted({ id: 'nightly.retry', job: 'nightly-build', when: ({ run }) => run.status === 'failed' })
   * async retry(event: RunCompleted, delivery: DeliveryContext) {
   *   await this.dbt.retry(event.run, { key: delivery.id, signal: delivery.signal });
   * }
   */
  retry(run: ActionRun, options: RetryRunOptions): Promise<ActionAnswer> {
    return this.#actions.retry(run, options);
  }

  /**
   * Starts a run of a job, and returns it. The job may be running: dbt Cloud then queues the run.
   *
   * If the answer is lost, the run is recognized by the mark with which its cause begins.
   *
   * @throws {ActionRefusedError} with the reason `other`, if dbt Cloud refuses an option.
   *
   * @example
   * const { url } = await this.dbt.trigger('512049', { key: delivery.id, cause: 'all loads are done', branch: 'main' });
   */
  trigger(jobId: string, options: DbtCloudTriggerOptions): Promise<ActionAnswer> {
    return this.#actions.trigger(jobId, options);
  }

  /**
   * Cancels a run that is queued or running, and returns it. It is no error if the run was canceled before. dbt Cloud sends no
   * webhook about a canceled run, so only a sweep reports it to handlers.
   *
   * @throws {ActionRefusedError} with the reason `over`, if the run has ended in another way, or `other`.
   *
   * @example
   * @OnRunStuck({ id: 'nightly.cancel', job: 'nightly-build', afterMs: 3 * 3_600_000 })
   * async cancel(event: RunStuck, delivery: DeliveryContext) {
   *   await this.dbt.cancel(event.run, { key: delivery.id, signal: delivery.signal });
   * }
   */
  cancel(run: ActionRun, options: ActionOptions): Promise<ActionAnswer> {
    return this.#actions.cancel(run, options);
  }

  /** Returns all webhook subscriptions of the account. */
  subscriptions({ signal }: DbtCloudCallOptions = {}): Promise<readonly DbtCloudApiSubscription[]> {
    const call: AdminCall = {
      ...read('list webhook subscriptions', 'v3', ['webhooks', 'subscriptions'], {}, signal),
      right: 'webhooks',
      slash: false,
    };
    return collect(this.#list(call, readSubscription));
  }

  /** Returns a webhook subscription. Its secret is not readable. */
  subscription(id: string, { signal }: DbtCloudCallOptions = {}): Promise<DbtCloudApiSubscription> {
    const call: AdminCall = {
      ...read(`get webhook subscription ${id}`, 'v3', ['webhooks', 'subscription', id], {}, signal),
      right: 'webhooks',
      slash: false,
    };
    return this.#caller.one(call, readSubscription, 'a subscription');
  }

  async *#list<T>(call: AdminCall, readItem: (value: unknown) => T | undefined): AsyncGenerator<T> {
    for (let offset = 0, hasMore = true; hasMore; offset += DBT_CLOUD_LIMITS.pageItemsMax) {
      const query = { ...call.query, limit: DBT_CLOUD_LIMITS.pageItemsMax, offset };
      // The environments of a project that does not exist are missing, too.
      const isList = !call.path.includes('environments');
      const page = await this.#caller.page({ ...call, query, isList }, offset);
      yield* readEach(page.items, readItem);
      ({ hasMore } = page);
    }
  }
}

async function collect<T>(items: AsyncIterable<T>): Promise<readonly T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}
