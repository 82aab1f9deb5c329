import {
  type ActionAnswer,
  type ActionOptions,
  type ActionRun,
  type ApiHost,
  isProviderApiError,
  markedReason,
  type RetryRunOptions,
} from 'nestjs-runhooks/core';
import { STATUS_CODE } from '../status.js';
import { alreadyOver, isRefusal, otherRefusal, retryRefused, retryWordIn } from './action-refusals.js';
import type { AdminCall, AdminCaller } from './admin-caller.js';
import type { DbtCloudApiRun } from './api-objects.js';
import type { ApiRight } from './api-options.js';
import { readRun } from './api-readers.js';
import { answerOf, findRetries, findTriggered } from './find-runs.js';
import { getRun } from './run-calls.js';
import { type DbtCloudTriggerOptions, triggerBody } from './trigger-options.js';

type Signal = AbortSignal | undefined;

/**
 * Actions of one account: retries, new runs and cancellations. A missing token or an unknown account fails before the action
 * begins, because then it is certain that nothing was sent.
 */
export class RunActions {
  readonly #caller: AdminCaller;
  readonly #host: ApiHost;

  constructor(caller: AdminCaller, host: ApiHost) {
    this.#caller = caller;
    this.#host = host;
  }

  async retry(run: ActionRun, options: RetryRunOptions): Promise<ActionAnswer> {
    const { signal } = options;
    const call = act(`retry run ${run.id}`, ['runs', run.id, 'retry'], signal);
    const accountId = await this.#caller.accountOf(call);
    return this.#host.act({
      ...options,
      kind: 'retry',
      target: run.id,
      accountId: run.account?.id ?? accountId,
      request: {},
      send: () => this.#retry(call, run.id),
      find: (_, sentAt) => findRetries(this.#caller, run, { ...this.#look(signal), sentAt }),
    });
  }

  async trigger(jobId: string, options: DbtCloudTriggerOptions): Promise<ActionAnswer> {
    const { key, onUnknown, signal, cause, ...overrides } = options;
    const call = act(`start a run of job ${jobId}`, ['jobs', jobId, 'run'], signal);
    const accountId = await this.#caller.accountOf(call);
    return this.#host.act({
      key,
      signal,
      ...(onUnknown && { onUnknown }),
      kind: 'trigger',
      target: jobId,
      accountId,
      request: { cause, ...overrides },
      send: (mark) => this.#trigger({ ...call, body: triggerBody(markedReason(mark, cause), overrides) }),
      find: (mark, sentAt) => findTriggered(this.#caller, jobId, mark, { ...this.#look(signal), sentAt }),
    });
  }

  async cancel(run: ActionRun, options: ActionOptions): Promise<ActionAnswer> {
    const { signal } = options;
    const call = act(`cancel run ${run.id}`, ['runs', run.id, 'cancel'], signal);
    const accountId = await this.#caller.accountOf(call);
    return this.#host.act({
      ...options,
      kind: 'cancel',
      target: run.id,
      accountId: run.account?.id ?? accountId,
      request: {},
      send: () => this.#cancel(call, run.id),
      find: async () => {
        const found = await getRun(this.#caller, run.id, this.#look(signal));
        return isOver(found) ? [answerOf(found)] : [];
      },
    });
  }

  async #retry(call: AdminCall, runId: string): Promise<ActionAnswer> {
    try {
      return answerOf(await this.#caller.one(call, readRun, 'a run'));
    } catch (error) {
      if (!isRefusal(error)) throw error;
      const word = retryWordIn(error.message) ?? (await this.#retryWordOf(runId, call.signal));
      throw retryRefused(runId, word, error);
    }
  }

  /** Returns the word with which a run says that it cannot be retried. */
  async #retryWordOf(runId: string, signal: Signal): Promise<string | undefined> {
    try {
      return (await getRun(this.#caller, runId, this.#look(signal))).retryRefusal;
    } catch (error) {
      // The retry was refused, whether or not the run can be read.
      if (isProviderApiError(error)) return undefined;
      throw error;
    }
  }

  async #trigger(call: AdminCall): Promise<ActionAnswer> {
    try {
      return answerOf(await this.#caller.one(call, readRun, 'a run'));
    } catch (error) {
      throw isRefusal(error) ? otherRefusal(error) : error;
    }
  }

  async #cancel(call: AdminCall, runId: string): Promise<ActionAnswer> {
    const run = await this.#caller.one(call, readRun, 'a run').catch(async (error: unknown) => {
      if (!isRefusal(error)) throw error;
      const found = await getRun(this.#caller, runId, this.#look(call.signal));
      if (!isOver(found)) throw otherRefusal(error);
      return found;
    });
    // dbt Cloud may answer with a run that is still to be stopped.
    if (isOver(run) && run.status !== STATUS_CODE.cancelled) throw alreadyOver(runId, run.status);
    return answerOf(run);
  }

  /** Returns the options of a call that looks for runs. The token for it is the one that only reads, if there is one. */
  #look(signal: Signal): { readonly right: ApiRight; readonly now: Date; readonly signal: Signal } {
    return { right: this.#caller.has('read') ? 'read' : 'act', now: this.#host.now(), signal };
  }
}

function act(asked: string, path: readonly string[], signal: Signal): AdminCall {
  return { right: 'act', asked, version: 'v2', method: 'POST', path, signal };
}

function isOver({ isComplete, status = 0 }: DbtCloudApiRun): boolean {
  return isComplete || status >= STATUS_CODE.success;
}
