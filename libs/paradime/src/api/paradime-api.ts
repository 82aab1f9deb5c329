import {
  type ActionAnswer,
  type ActionOptions,
  type ActionRun,
  type ApiHost,
  downloadArtifact,
  downloadArtifactBytes,
  type RetryRunOptions,
} from 'nestjs-runhooks/core';
import type { ManifestNode } from 'nestjs-runhooks/dbt-artifacts';
import { PARADIME_LIMITS } from '../limits.js';
import { appOriginOf } from '../run-page.js';
import type {
  ParadimeApiArtifact,
  ParadimeApiCommandDetail,
  ParadimeApiCommandLog,
  ParadimeApiRun,
  ParadimeApiRunDetail,
  ParadimeApiSchedule,
  ParadimeApiWorkspace,
} from './api-objects.js';
import type { ParadimeApiAccess } from './api-options.js';
import {
  readCommandDetail,
  readEach,
  readRun,
  readRunDetail,
  readSchedule,
  readWorkspace,
  textOf,
} from './api-readers.js';
import { artifactsByUse, hasFailed } from './artifacts-by-use.js';
import type { GateTime } from './call-gate.js';
import type {
  ParadimeArtifactOptions,
  ParadimeCallOptions,
  ParadimeManifestOptions,
  ParadimePage,
} from './call-options.js';
import { readCommandLog } from './command-log.js';
import { Graphql } from './graphql.js';
import { findManifestNodes } from './manifest-nodes.js';
import { QUERIES } from './queries.js';
import { type ParadimeTriggerOptions, RunActions } from './run-actions.js';

/**
 * Client of Paradime's GraphQL API. It reads, and it retries, triggers and cancels runs, each once per key.
 * `@InjectProviderApi('<source>')` injects it in workers.
 *
 * All methods reject with a `ProviderApiError`, and actions also with an `ActionRefusedError`, `ActionUnknownError` or
 * `ActionPendingError`. Ids are strings. By default two calls run at the same time, and at most five
 * start in a second. After a 429, calls of all processes reject until the cooldown is over, with an error that
 * `isRetryLater` recognizes.
 */
export class ParadimeApi {
  readonly #graphql: Graphql;
  readonly #artifactHosts: readonly string[];
  readonly #actions: RunActions;

  /** Sources create it, from their option `api`. */
  constructor(access: ParadimeApiAccess, host: ApiHost, time?: GateTime) {
    this.#graphql = new Graphql(access, host, time);
    this.#artifactHosts = access.artifactHosts;
    this.#actions = new RunActions({
      graphql: this.#graphql,
      host,
      workspace: access.workspace,
      appOrigin: appOriginOf(access.origin),
      runPages: (slug, options) => this.runPages(slug, options),
      run: (id, options) => this.run(id, options),
    });
  }

  /**
   * Starts a new run that continues a failed one: it runs the commands from the first one that failed, which becomes `dbt retry`
   * if Paradime can do that. By default, one retry is started for a run and all its retries together, see `retriesMax`. The call
   * needs `run.job`, to find the new run if the answer is lost, and the right "Bolt schedules admin". A run whose parent is this
   * one is then the new run, unless another action of the source has started it: also one that a person has started.
   *
   * @throws {ActionRefusedError} `retries-max`; `not-failed`; `busy` while the schedule runs, if Paradime says so; `other`.
   *
   * @example
   * @OnRunFailed({ id: 'nightly.retry', job: 'nightly' })
   * async retry({ run }: RunFailed, { id, signal }: DeliveryContext) {
   *   await this.bolt.retry(run, { key: id, signal });
   * }
   */
  retry(run: ActionRun, options: RetryRunOptions): Promise<ActionAnswer> {
    return this.#actions.retry(run, options);
  }

  /**
   * Starts a new run of a schedule. The call needs the right "Bolt schedules admin".
   *
   * Paradime shows the cause of a run neither in lists nor in webhooks. If the answer is lost, Runhooks takes the first run of
   * the schedule that was triggered through the API since the call, on the same branch if you set one. A run that another
   * program triggers at that time can be taken for this one, which is then not started.
   *
   * @param slug `slug` of the schedule, or its name if it has no slug
   * @throws {ActionRefusedError} `busy` while the schedule runs; `other`.
   */
  trigger(slug: string, options: ParadimeTriggerOptions): Promise<ActionAnswer> {
    return this.#actions.trigger(slug, options);
  }

  /**
   * Cancels a run. The call needs the right "Bolt schedules admin". Paradime sends no webhook about the end of such a run: a sweep
   * finds it. If the answer is lost and the run is over, it counts as canceled, whatever ended it.
   *
   * @throws {ActionRefusedError} `over` if the run has ended; `other`.
   */
  cancel(run: ActionRun, options: ActionOptions): Promise<ActionAnswer> {
    return this.#actions.cancel(run, options);
  }

  /** Returns the schedules: the active ones, or with `inactive` the others. Suspended ones can be active. */
  async *schedules(
    options: ParadimeCallOptions & { readonly inactive?: boolean } = {},
  ): AsyncGenerator<ParadimeApiSchedule> {
    for await (const { items } of this.schedulePages(options)) yield* items;
  }

  /** Returns the same schedules in pages. */
  async *schedulePages(
    options: ParadimeCallOptions & { readonly inactive?: boolean } = {},
  ): AsyncGenerator<ParadimePage<ParadimeApiSchedule>> {
    const { inactive = false, signal } = options;
    const limit = PARADIME_LIMITS.schedulesPageItems;
    for (let offset = 0; ; offset += limit) {
      const { result, serverTime } = await this.#graphql.ask({
        query: QUERIES.schedules,
        variables: { offset, limit, showInactive: inactive },
        asked: `list ${inactive ? 'inactive' : 'active'} schedules from ${offset}`,
        signal,
      });
      yield { items: readEach(result['schedules'], readSchedule), ...(serverTime && { serverTime }) };
      // The total can be missing, and a page can have objects that could not be read.
      if (!isFull(result['schedules'], limit)) return;
    }
  }

  /**
   * Returns the runs of a schedule, the newest first. The API has no filter, so end the loop at the first run that is too
   * old. A run that starts between two pages makes another one appear twice.
   *
   * @param slug `slug` of the schedule, or its name if it has no slug
   */
  async *runs(slug: string, options: ParadimeCallOptions = {}): AsyncGenerator<ParadimeApiRun> {
    for await (const { items } of this.runPages(slug, options)) yield* items;
  }

  /** Returns the same runs in pages. */
  async *runPages(slug: string, { signal }: ParadimeCallOptions = {}): AsyncGenerator<ParadimePage<ParadimeApiRun>> {
    const limit = PARADIME_LIMITS.runsPageItems;
    for (let offset = 0; ; offset += limit) {
      const asked = `list runs of schedule "${slug}" from ${offset}`;
      const { result, serverTime } = await this.#graphql.ask({
        query: QUERIES.runs,
        variables: { slug, offset, limit },
        asked,
        signal,
      });
      if (result['ok'] === false) throw this.#graphql.error(asked, 'refused', 'expected ok, got false');
      yield { items: readEach(result['runs'], (run) => readRun(run, slug)), ...(serverTime && { serverTime }) };
      if (!isFull(result['runs'], limit)) return;
    }
  }

  /** Returns the state and the commands of a run. */
  async run(id: string, { signal }: ParadimeCallOptions = {}): Promise<ParadimeApiRunDetail> {
    const asked = `get run ${id}`;
    const variables = { runId: this.#graphql.idOf(id, asked) };
    const { result } = await this.#graphql.ask({ query: QUERIES.run, variables, asked, signal });
    return readRunDetail(result, id);
  }

  /** Returns a command with its files. */
  async command(id: string, { signal }: ParadimeCallOptions = {}): Promise<ParadimeApiCommandDetail> {
    const asked = `get command ${id}`;
    const variables = { commandId: this.#graphql.idOf(id, asked) };
    const { result } = await this.#graphql.ask({ query: QUERIES.command, variables, asked, signal });
    return readCommandDetail(result, id);
  }

  /**
   * Returns the files that a run or a command wrote. Those of a run are ordered by use: first those of failed commands, then
   * those of the last command, and so on. It needs a call for each command.
   */
  async artifacts(
    of: { readonly runId: string } | { readonly commandId: string },
    options: ParadimeCallOptions = {},
  ): Promise<readonly ParadimeApiArtifact[]> {
    const found: ParadimeApiArtifact[] = [];
    for await (const artifacts of artifactsByUse(this, of, options)) found.push(...artifacts);
    return found;
  }

  /**
   * Returns the JSON of an artifact, such as `target/run_results.json`.
   *
   * @throws {ProviderApiError} `invalid-answer` if the file is not JSON, and `too-large` beyond `bytesMax`.
   */
  async artifact(
    artifact: Pick<ParadimeApiArtifact, 'id'>,
    { bytesMax, signal }: ParadimeArtifactOptions = {},
  ): Promise<unknown> {
    const { url, ...download } = await this.#download(artifact, { bytesMax, signal });
    const bytes = await downloadArtifactBytes(url, download);
    try {
      return JSON.parse(new TextDecoder().decode(bytes)) as unknown;
    } catch {
      throw this.#graphql.error(`get artifact ${artifact.id}`, 'invalid-answer', 'expected JSON, got another file');
    }
  }

  /** Returns the bytes of an artifact as a stream. Read it to the end, or cancel it. */
  async artifactStream(
    artifact: Pick<ParadimeApiArtifact, 'id'>,
    options: ParadimeArtifactOptions = {},
  ): Promise<ReadableStream<Uint8Array>> {
    const { url, ...download } = await this.#download(artifact, options);
    return downloadArtifact(url, download);
  }

  /**
   * Returns what `manifest.json` says about a node of a run, such as its owner, tags, path and description. Returns `undefined`
   * if the manifest lacks the node, is larger than 512 MiB or is not what dbt writes, or if the run has none.
   *
   * Every call downloads the manifest, without keeping it in memory. For several nodes of a run, use {@link manifestNodes}.
   *
   * @example
   * @OnNodeFailed({ id: 'on-call.page', kind: 'model' })
   * async page({ run, node }: NodeFailed, { signal }: DeliveryContext) {
   *   const found = await this.bolt.manifestNode(run.id, node.uniqueId, { commandId: node.step?.id, signal });
   *   await this.pager.page(found?.owner ?? 'data-team', `${node.name} failed: ${node.message}`);
   * }
   */
  async manifestNode(
    runId: string,
    uniqueId: string,
    options: ParadimeManifestOptions = {},
  ): Promise<ManifestNode | undefined> {
    return (await this.manifestNodes(runId, [uniqueId], options)).get(uniqueId);
  }

  /**
   * Returns what `manifest.json` says about nodes of a run, by their `unique_id`, with one download. Nodes for which
   * {@link manifestNode} returns `undefined` are absent.
   */
  async manifestNodes(
    runId: string,
    uniqueIds: readonly string[],
    { commandId, signal }: ParadimeManifestOptions = {},
  ): Promise<ReadonlyMap<string, ManifestNode>> {
    if (uniqueIds.length === 0) return new Map();
    const of = commandId === undefined ? { runId } : { commandId };
    return findManifestNodes({
      uniqueIds,
      artifacts: artifactsByUse(this, of, { signal }),
      open: (artifact, options) => this.artifactStream(artifact, options),
      signal,
    });
  }

  /**
   * Returns the last lines of each command of a run that failed, up to 1,000 of each. They can contain data and secrets of
   * the project, so do not pass them on unread.
   */
  async failedCommandLogs(runId: string, options: ParadimeCallOptions = {}): Promise<readonly ParadimeApiCommandLog[]> {
    const { commands } = await this.run(runId, options);
    const logs: ParadimeApiCommandLog[] = [];
    for (const command of commands.filter(hasFailed)) logs.push(await readCommandLog(this.#graphql, command, options));
    return logs;
  }

  /** Returns the workspaces of the company. */
  async workspaces({ signal }: ParadimeCallOptions = {}): Promise<readonly ParadimeApiWorkspace[]> {
    const call = { query: QUERIES.workspaces, variables: {}, asked: 'list workspaces', signal };
    const { result } = await this.#graphql.ask(call);
    return readEach(result['workspaces'], readWorkspace);
  }

  /** Returns the URL of an artifact, which is presigned, so it is fetched at once and shown nowhere. */
  async #download({ id }: Pick<ParadimeApiArtifact, 'id'>, { bytesMax, signal }: Undefinable<ParadimeArtifactOptions>) {
    const asked = `get artifact ${id}`;
    const variables = { resourceId: this.#graphql.idOf(id, asked) };
    const { result } = await this.#graphql.ask({ query: QUERIES.resourceUrl, variables, asked, signal });
    const url = result['ok'] === false ? undefined : textOf(result['url']);
    if (url === undefined) throw this.#graphql.error(asked, 'not-found', 'expected the URL of a file, got none');
    const allowedHosts = this.#artifactHosts;
    return { url, asked: `Paradime: ${asked}`, allowedHosts, signal, ...(bytesMax !== undefined && { bytesMax }) };
  }
}

type Undefinable<T> = { readonly [K in keyof T]?: T[K] | undefined };

function isFull(list: unknown, limit: number): boolean {
  return Array.isArray(list) && list.length >= limit;
}
