// Clients of providers take actions with a key, and their errors narrow.
import {
  type ActionAnswer,
  type ActionPendingError,
  type ActionRefusedError,
  type ActionRefusalReason,
  type ActionSummary,
  type Inbox,
  isActionPendingError,
  isActionRefusedError,
  isActionUnknownError,
  OnRunCompleted,
  OnRunStuck,
  type DeliveryContext,
  type RunCompleted,
  type RunStuck,
} from 'nestjs-runhooks';
import type { DbtCloudApi } from 'nestjs-runhooks/dbt-cloud';
import type { ParadimeApi } from 'nestjs-runhooks/paradime';
import { expectSame } from './expect-type.js';

export class Handlers {
  constructor(
    private readonly dbt: DbtCloudApi,
    private readonly bolt: ParadimeApi,
  ) {}

  @OnRunCompleted({ id: 'retry', when: ({ run }) => run.retryOf === undefined && run.rootRun === undefined })
  async retry({ run }: RunCompleted, { id, signal }: DeliveryContext): Promise<void> {
    const answer = await this.dbt.retry(run, { key: id, retriesMax: 2, onUnknown: 'again', signal });
    expectSame<typeof answer, ActionAnswer>();
    expectSame<typeof answer.runId, string>();
    expectSame<typeof answer.url, string | undefined>();
    expectSame<Awaited<ReturnType<ParadimeApi['retry']>>, ActionAnswer>();
    await this.bolt.retry({ id: '7', job: { name: 'nightly' } }, { key: `${id}:bolt` });
    await this.dbt.retry({ id: '7' }, { key: id });
  }

  @OnRunStuck({ afterMs: 60_000 })
  async cancel({ run }: RunStuck, { id }: DeliveryContext): Promise<void> {
    await this.dbt.cancel(run, { key: id });
    await this.bolt.cancel(run, { key: id });
  }

  async trigger(): Promise<void> {
    await this.dbt.trigger('512049', { key: 'a', cause: 'Backfill', branch: 'main', steps: ['dbt build'] });
    await this.bolt.trigger('nightly', { key: 'a', cause: 'Backfill', branch: 'main', commands: ['dbt build'] });
  }

  async rejected(run: RunCompleted['run']): Promise<void> {
    // @ts-expect-error -- without a key, a second attempt would start a second run
    await this.dbt.retry(run, {});
    // @ts-expect-error -- an action needs options
    await this.dbt.retry(run);
    // @ts-expect-error -- a run, not its id: Paradime needs the job of the run
    await this.bolt.retry(run.id, { key: 'a' });
    // @ts-expect-error -- misspelled: 'retriesMax'
    await this.dbt.retry(run, { key: 'a', maxRetries: 2 });
    // @ts-expect-error -- 'stop' or 'again'
    await this.dbt.cancel(run, { key: 'a', onUnknown: 'retry' });
    // @ts-expect-error -- only a retry has a root run
    await this.dbt.cancel(run, { key: 'a', retriesMax: 2 });
    // @ts-expect-error -- dbt Cloud asks for a cause
    await this.dbt.trigger('512049', { key: 'a' });
    // @ts-expect-error -- and so does this method for Paradime
    await this.bolt.trigger('nightly', { key: 'a' });
    // @ts-expect-error -- the option of Paradime is 'commands'
    await this.bolt.trigger('nightly', { key: 'a', cause: 'Backfill', steps: ['dbt build'] });
    // @ts-expect-error -- the option of dbt Cloud is 'steps'
    await this.dbt.trigger('512049', { key: 'a', cause: 'Backfill', commands: ['dbt build'] });
  }
}

export function narrowed(error: unknown): string {
  if (isActionRefusedError(error)) {
    expectSame<typeof error, ActionRefusedError>();
    expectSame<typeof error.reason, ActionRefusalReason>();
    // @ts-expect-error -- misspelled: 'not-latest'
    if (error.reason === 'not-the-latest') return '';
    return error.reason === 'retries-max' ? error.message : error.code;
  }
  if (isActionUnknownError(error)) {
    expectSame<typeof error.code, 'RUNHOOKS_ACTION_UNKNOWN'>();
    return error.message;
  }
  if (isActionPendingError(error)) {
    expectSame<typeof error, ActionPendingError>();
    expectSame<typeof error.delayMs, number>();
  }
  return '';
}

export async function inspected(inbox: Inbox): Promise<void> {
  const { items } = await inbox.actions({ source: 'dbt', state: 'unknown' }, { limit: 10 });
  expectSame<(typeof items)[number], ActionSummary>();
  expectSame<(typeof items)[number]['handlerId'], string | undefined>();
  const { actions } = await inbox.counts();
  expectSame<typeof actions.unknown, number>();
  const decided = await inbox.decideAction({
    source: 'dbt',
    key: 'a',
    outcome: 'done',
    runId: '7',
    by: 'Kim',
    reason: 'r',
  });
  expectSame<typeof decided, boolean>();
  await inbox.decideAction({
    source: 'dbt',
    key: 'a',
    outcome: 'not-done',
    by: 'Kim',
    reason: 'no such run is listed',
  });
  // @ts-expect-error -- a decision needs a reason
  await inbox.decideAction({ source: 'dbt', key: 'a', outcome: 'done', runId: '7', by: 'Kim' });
  // @ts-expect-error -- what was done has a run
  await inbox.decideAction({ source: 'dbt', key: 'a', outcome: 'done', by: 'Kim', reason: 'r' });
  // @ts-expect-error -- 'done' or 'not-done'
  await inbox.decideAction({ source: 'dbt', key: 'a', outcome: 'answered', by: 'Kim', reason: 'r' });
  // @ts-expect-error -- misspelled: 'unknown'
  await inbox.actions({ state: 'unkown' });
}
