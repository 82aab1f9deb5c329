import {
  type ActionAnswer,
  type ActionOptions,
  type ActionRun,
  type ApiHost,
  isProviderApiError,
  kindOf,
  markedReason,
  ProviderApiError,
  type RetryRunOptions,
  wrongArgument,
  wrongRun,
} from 'nestjs-runhooks/core';
import { STATUS_CODE } from '../status.js';
import { alreadyOver, isRefusal, otherRefusal, retryRefused, retryWordIn } from './action-refusals.js';
import type { AdminCall, AdminCaller } from './admin-caller.js';
import type { DbtCloudApiRun } from './api-objects.js';
import type { ApiRight } from './api-options.js';
import { readRun } from './api-readers.js';
import { answerOf, findRetries, findTriggered } from './find-runs.js';
import { getRun } from './run-calls.js';
import { type DbtCloudTriggerOptions, triggerBody, wrongTrigger } from './trigger-options.js';

type Signal = AbortSignal | undefined;

/**
 * Actions of one account: retries, new runs and cancellations. A wrong argument, a missing token or an unknown account fails before
 * the action begins, because then it is certain that nothing was sent.
 */
export class RunActions {
  readonly #caller: AdminCaller;
  readonly #host: ApiHost;

  constructor(caller: AdminCaller, host: ApiHost) {
    this.#caller = caller;
    this.#host = host;
  }

  async retry(run: ActionRun, options: RetryRunOptions): Promise<ActionAnswer> {
    requireRight('retry a run', wrongRun(run) ?? wrongId('run.id', run.id) ?? wrongArgument('retry', options));
    const { signal } = options;
    const call = act(`retry run ${run.id}`, ['runs', run.id, 'retry'], signal);
    const accountId = await this.#accountOf(call, run);
    return this.#host.act({
      ...options,
      kind: 'retry',
      target: run.id,
      accountId,
      request: {},
      send: () => this.#retry(call, run.id),
      find: (_, sentAt) => findRetries(this.#caller, run, { ...this.#look(signal), sentAt }),
    });
  }

  async trigger(jobId: string, options: DbtCloudTriggerOptions): Promise<ActionAnswer> {
    requireRight('start a run of a job', wrongId('job', jobId) ?? wrongTrigger(options));
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
      send: (mark) => this.#trigger({ ...call, body: triggerBody(markedReason(mark, cause), overrides) }, jobId),
      find: (mark, sentAt) => findTriggered(this.#caller, jobId, mark, { ...this.#look(signal), sentAt }),
    });
  }

  async cancel(run: ActionRun, options: ActionOptions): Promise<ActionAnswer> {
    requireRight('cancel a run', wrongRun(run) ?? wrongId('run.id', run.id) ?? wrongArgument('cancel', options));
    const { signal } = options;
    const call = act(`cancel run ${run.id}`, ['runs', run.id, 'cancel'], signal);
    const accountId = await this.#accountOf(call, run);
    return this.#host.act({
      ...options,
      kind: 'cancel',
      target: run.id,
      accountId,
      request: {},
      send: () => this.#cancel(call, run.id),
      find: async () => {
        const found = await getRun(this.#caller, run.id, this.#look(signal));
        return isOver(found) ? [answerOf(found)] : [];
      },
    });
  }

  /** Returns the account of the token, which must be that of the run: dbt Cloud answers 404 otherwise. */
  async #accountOf(call: AdminCall, { account }: ActionRun): Promise<string> {
    const accountId = await this.#caller.accountOf(call);
    if (account === undefined || account.id === accountId) return accountId;
    throw wrong(
      call.asked,
      `expected a run of account ${accountId}, got one of account ${account.id}`,
      'Correct api.accountId, or use the client of a source of that account',
    );
  }

  async #retry(call: AdminCall, runId: string): Promise<ActionAnswer> {
    try {
      const run = await this.#caller.one(call, readRun, 'a run');
      if (run.id === runId) throw this.#caller.invalid(call, 'expected a new run, got the run itself');
      return answerOf(run);
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

  async #trigger(call: AdminCall, wantedId: string): Promise<ActionAnswer> {
    try {
      const run = await this.#caller.one(call, readRun, 'a run');
      const { jobId = wantedId } = run;
      if (jobId !== wantedId) throw this.#caller.invalid(call, `expected a run of the job, got one of job ${jobId}`);
      return answerOf(run);
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
    if (run.id !== runId) throw this.#caller.invalid(call, `expected the run, got run ${run.id}`);
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

/** Throws an error about an argument if something is wrong with it. */
function requireRight(asked: string, found: string | undefined): void {
  if (found !== undefined) throw wrong(asked, found, 'Correct the argument');
}

function wrong(asked: string, found: string, todo: string): ProviderApiError {
  return new ProviderApiError({ reason: 'invalid-request', asked: `dbt Cloud: ${asked}`, found, todo });
}

/** Ids of dbt Cloud are numbers. The name of a job is the most likely mistake. */
function wrongId(name: string, id: unknown): string | undefined {
  if (typeof id === 'string' && /^[1-9]\d{0,19}$/.test(id)) return undefined;
  return `${name}: expected an id as a string of digits, got ${typeof id === 'string' && id !== '' ? 'another string' : kindOf(id)}`;
}

function isOver({ isComplete, status = 0 }: DbtCloudApiRun): boolean {
  return isComplete || status >= STATUS_CODE.success;
}
