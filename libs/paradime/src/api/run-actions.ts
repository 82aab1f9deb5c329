import {
  type ActionAnswer,
  type ActionOptions,
  type ActionRun,
  type ApiHost,
  type ArgumentCheck,
  ARGUMENTS,
  defined,
  markedReason,
  quotedMessage,
  readId,
  type RetryRunOptions,
  wrongArgument,
  wrongRun,
} from 'nestjs-runhooks/core';
import { PARADIME_LIMITS } from '../limits.js';
import { runPageOf } from '../run-page.js';
import { isFinal } from '../status.js';
import { triggerOf } from '../trigger.js';
import type { ParadimeApiRun, ParadimeApiRunDetail } from './api-objects.js';
import type { ParadimeCallOptions, ParadimePage } from './call-options.js';
import type { Graphql } from './graphql.js';
import { MUTATIONS } from './mutations.js';

/** Options of a new run of a schedule. */
export interface ParadimeTriggerOptions extends ActionOptions {
  /**
   * Cause of the run, for people. Paradime gets it as the reason of the run, after a mark of Runhooks. With the mark, it is cut
   * to 255 characters, and line breaks become spaces.
   */
  readonly cause: string;
  /** Commands instead of those of the schedule, at least one. They are stored and listed, so they must contain no secret. */
  readonly commands?: readonly string[];
  /** Branch or commit hash. @default the branch of the schedule */
  readonly branch?: string;
  /** Number of the pull request that the run belongs to. @default none */
  readonly pullRequest?: number;
  /**
   * Whether the commands after one that failed run as well. Paradime must have enabled this for the workspace.
   * @default the setting of the schedule
   */
  readonly continueOnError?: boolean;
}

const TRIGGER_ARGUMENTS: Readonly<Record<Exclude<keyof ParadimeTriggerOptions, keyof ActionOptions>, ArgumentCheck>> = {
  cause: ARGUMENTS.cause,
  commands: ARGUMENTS.texts,
  branch: ARGUMENTS.text,
  pullRequest: (value) => (Number(value) > PARADIME_LIMITS.idMax ? 'a smaller number' : ARGUMENTS.count(value)),
  continueOnError: ARGUMENTS.flag,
};

/** Means of {@link RunActions}. */
export interface RunActionsSetup {
  readonly graphql: Graphql;
  readonly host: ApiHost;
  /** Uid of the workspace, if it is configured. */
  readonly workspace: string | undefined;
  /** Origin of the pages of runs, if it is known. */
  readonly appOrigin: string | undefined;
  /** Lists the runs of a schedule, the newest first. */
  runPages(slug: string, options: ParadimeCallOptions): AsyncIterable<ParadimePage<ParadimeApiRun>>;
  run(id: string, options: ParadimeCallOptions): Promise<ParadimeApiRunDetail>;
}

/** Actions on runs and schedules: each with its call, and with the way in which a lost answer is found. */
export class RunActions {
  readonly #setup: RunActionsSetup;

  constructor(setup: RunActionsSetup) {
    this.#setup = setup;
  }

  async retry(run: ActionRun, options: RetryRunOptions): Promise<ActionAnswer> {
    const { graphql, host } = this.#setup;
    this.#requireRight('retry a run', wrongRun(run) ?? wrongArgument('retry', options));
    const { signal } = options;
    const asked = `retry run ${run.id}`;
    const variables = { scheduleRunId: graphql.idOf(run.id, asked) };
    const schedule = this.#labelOf(
      run.job?.id ?? run.job?.name,
      asked,
      'the slug of the schedule as job.id, or its name as job.name',
    );
    return host.act({
      ...options,
      ...this.#targetOf('retry', run),
      request: { schedule },
      send: async () => {
        const answer = this.#started(await graphql.change({ query: MUTATIONS.retry, variables, asked, signal }), asked);
        if (answer.runId === run.id)
          throw graphql.error(asked, 'invalid-answer', 'expected a new run, got the run itself');
        return answer;
      },
      find: (_mark, sentAt) => this.#findRetries(run.id, schedule, sentAt, signal),
    });
  }

  async trigger(slug: string, options: ParadimeTriggerOptions): Promise<ActionAnswer> {
    const { graphql, host, workspace } = this.#setup;
    this.#requireRight('trigger a schedule', wrongArgument('trigger', options, TRIGGER_ARGUMENTS));
    const { key, onUnknown, signal, cause, commands, branch, pullRequest, continueOnError } = options;
    const schedule = this.#labelOf(slug, 'trigger a schedule', 'the slug or the name of a schedule');
    const asked = `trigger schedule "${quotedMessage(schedule, {})}"`;
    const overrides = defined({ commands, branch, continueOnError });
    return host.act({
      key,
      ...defined({ onUnknown, signal, accountId: workspace }),
      kind: 'trigger',
      target: schedule,
      request: { cause, ...overrides, ...defined({ pullRequest }) },
      send: async (mark) => {
        const reason = markedReason(mark, cause);
        const variables = { slug: schedule, reason, ...overrides, ...defined({ prNumber: pullRequest }) };
        return this.#started(await graphql.change({ query: MUTATIONS.trigger, variables, asked, signal }), asked);
      },
      find: (_mark, sentAt) => this.#findTriggered(schedule, branch, sentAt, signal),
    });
  }

  async cancel(run: ActionRun, options: ActionOptions): Promise<ActionAnswer> {
    const { graphql, host } = this.#setup;
    this.#requireRight('cancel a run', wrongRun(run) ?? wrongArgument('cancel', options));
    const { signal } = options;
    const asked = `cancel run ${run.id}`;
    const variables = { scheduleRunId: graphql.idOf(run.id, asked) };
    return host.act({
      ...options,
      ...this.#targetOf('cancel', run),
      request: {},
      send: async () => {
        const { ok } = await graphql.change({ query: MUTATIONS.cancel, variables, asked, signal });
        if (ok === true) return this.#answer(run.id);
        if (ok !== false) throw graphql.error(asked, 'invalid-answer', 'expected ok, got neither true nor false');
        const { state } = await this.#setup.run(run.id, { signal });
        const found = `expected ok, got false for a run in the state ${quotedMessage(state ?? 'unknown', {})}`;
        throw graphql.refusal(asked, isFinal(state) ? 'over' : 'other', found);
      },
      find: async () => (isFinal((await this.#setup.run(run.id, { signal })).state) ? [this.#answer(run.id)] : []),
    });
  }

  /** Returns the runs whose parent is the retried one: first those that started after the call, the earliest first. */
  async #findRetries(
    runId: string,
    schedule: string,
    sentAt: Date,
    signal: AbortSignal | undefined,
  ): Promise<readonly ActionAnswer[]> {
    // All retries of a run are newer than the run.
    const listed = await this.#listRuns(schedule, (run) => run.id === runId, signal);
    const retries = listed.filter(({ parentRunId }) => parentRunId === runId);
    const later = retries.filter((run) => isSince(run, sentAt));
    return [...later, ...retries.filter((run) => !later.includes(run))].map(({ id }) => this.#answer(id));
  }

  /**
   * Returns the runs that anyone has triggered through the API since the call, the earliest first. Neither lists nor webhooks
   * have the reason of a run, and therefore not the mark.
   */
  async #findTriggered(
    schedule: string,
    branch: string | undefined,
    sentAt: Date,
    signal: AbortSignal | undefined,
  ): Promise<readonly ActionAnswer[]> {
    const oldestMs = sentAt.getTime() - PARADIME_LIMITS.sweepOverlapMs;
    // Starts are not exactly in the order of the list.
    const listed = await this.#listRuns(
      schedule,
      ({ startedAt }) => (startedAt?.getTime() ?? oldestMs) < oldestMs,
      signal,
    );
    return listed
      .filter((run) => run.parentRunId === undefined && triggerOf(run.actor).kind === 'api')
      .filter((run) => isSince(run, sentAt) && isOn(branch, run))
      .map(({ id }) => this.#answer(id));
  }

  /** Returns the runs of a schedule that are newer than the first one for which `isLast` holds, the oldest first. */
  async #listRuns(
    schedule: string,
    isLast: (run: ParadimeApiRun) => boolean,
    signal: AbortSignal | undefined,
  ): Promise<readonly ParadimeApiRun[]> {
    const runs: ParadimeApiRun[] = [];
    for await (const { items } of this.#setup.runPages(schedule, { signal })) {
      runs.push(...items);
      if (items.some(isLast) || runs.length >= PARADIME_LIMITS.actionRunsMax) break;
    }
    return runs.toReversed();
  }

  #started({ runId }: { readonly runId?: unknown }, asked: string): ActionAnswer {
    const id = readId(runId);
    if (id !== undefined) return this.#answer(id);
    throw this.#setup.graphql.error(asked, 'invalid-answer', 'expected the id of a run as runId, got another value');
  }

  #answer(runId: string): ActionAnswer {
    const { workspace, appOrigin } = this.#setup;
    return { runId, ...defined({ accountId: workspace, url: runPageOf(appOrigin, runId) }) };
  }

  #targetOf<K extends 'retry' | 'cancel'>(kind: K, { id, account }: ActionRun) {
    return { kind, target: id, ...defined({ accountId: account?.id ?? this.#setup.workspace }) };
  }

  #requireRight(asked: string, found: string | undefined): void {
    if (found !== undefined) throw this.#setup.graphql.error(asked, 'invalid-request', found);
  }

  #labelOf(label: unknown, asked: string, expected: string): string {
    if (typeof label === 'string' && label.trim() !== '') return label;
    throw this.#setup.graphql.error(asked, 'invalid-request', `expected ${expected}, got none`);
  }
}

/** Returns whether a run started after a call, or has not started. A run that never started has at most an end. */
function isSince({ startedAt, endedAt, state }: ParadimeApiRun, sentAt: Date): boolean {
  const time = startedAt ?? endedAt;
  return time === undefined ? !isFinal(state) : time.getTime() >= sentAt.getTime() - PARADIME_LIMITS.actionSkewMs;
}

/** Returns whether a run is on a branch, or on a commit. A run that has not started may report neither. */
function isOn(wanted: string | undefined, { branch, commitHash, startedAt }: ParadimeApiRun): boolean {
  if (wanted === undefined) return true;
  if (branch === undefined && commitHash === undefined) return startedAt === undefined;
  return branch === wanted || commitHash?.startsWith(wanted) === true;
}
