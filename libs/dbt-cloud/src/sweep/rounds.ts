import { ProviderApiError, type ReportedRun, type Round, type RoundContext } from 'nestjs-runhooks/core';
import type { DbtCloudApiRun } from '../api/api-objects.js';
import type { DbtCloudApi } from '../api/dbt-cloud-api.js';
import { DBT_CLOUD_LIMITS } from '../limits.js';
import { STATUS_CODE } from '../status.js';
import { envelopeOf } from './envelope.js';
import type { InScope, JobScope } from './job-scope.js';
import { endOf, phasesOf } from './phases.js';
import type { ProviderNames } from './provider-names.js';
import { lastOf, runPagesBy } from './run-pages.js';
import type { SweepSettings } from './sweep-options.js';

/** Everything that the rounds share. */
export interface SweepParts {
  readonly api: DbtCloudApi;
  readonly scope: JobScope;
  readonly names: ProviderNames;
  readonly settings: SweepSettings;
}

/** Returns the rounds that look for runs of a source. */
export function sweepRounds(parts: SweepParts): readonly Round[] {
  const roundOf = (kind: string, everyMs: number, sweep: Sweep): Round => ({
    kind,
    everyMs,
    run: async (context) => failIfUnreadable(await sweep(parts, context)),
  });
  return [
    roundOf('ended', DBT_CLOUD_LIMITS.endedEveryMs, sweepEnded),
    roundOf('canceled', DBT_CLOUD_LIMITS.canceledEveryMs, sweepCanceled),
    roundOf('open', DBT_CLOUD_LIMITS.openEveryMs, sweepOpen),
  ];
}

/** Work of a round. Returns the number of runs that could not be read. */
type Sweep = (parts: SweepParts, context: RoundContext) => Promise<number>;

/** One run without ids must not hold back all others, nor be passed over in silence. */
function failIfUnreadable(unreadable: number): void {
  if (unreadable === 0) return;
  throw new ProviderApiError({
    reason: 'invalid-answer',
    asked: 'dbt Cloud: list runs',
    found: `expected runs with their ids, got ${unreadable} without. All others were reported`,
    todo: "Report it to Runhooks, because dbt Cloud's API may have changed",
  });
}

/**
 * Reports runs in the order of their ends. The cursor is the end up to which all runs have been reported. It never passes
 * the time of dbt Cloud minus `graceMs`, because a run can become visible later than it ended. If dbt Cloud did not say its
 * time, the cursor is the end of the last run that was reported: with a clock of ours that is ahead, it would pass runs that
 * have not ended yet, and they would never be found.
 */
async function sweepEnded(parts: SweepParts, context: RoundContext): Promise<number> {
  const { api, settings } = parts;
  const inScope = await parts.scope.current(context.now(), context.signal);
  const cursor = new Cursor(context);
  const from = cursor.at ? earlier(cursor.at, DBT_CLOUD_LIMITS.overlapMs) : earlier(context.since, settings.historyMs);
  let unreadable = 0;
  for await (const page of runPagesBy(api, { ...rangeFrom(from, context), by: 'finishedAt' })) {
    unreadable += page.unreadable;
    const serverTime = page.serverTime ?? context.now();
    const until = earlier(serverTime, settings.graceMs);
    // A run is in this list because it has an end, even if its time cannot be read.
    const ready = page.runs.filter(({ finishedAt }) => finishedAt === undefined || finishedAt <= until);
    await report(parts, context, { runs: ready, inScope, serverTime });
    const isLast = !page.hasMore || ready.length < page.runs.length;
    await cursor.moveTo(isLast && page.serverTime ? until : lastOf(ready, 'finishedAt'));
    if (isLast) break;
  }
  return unreadable;
}

/**
 * Reports canceled runs by the time of their creation, because dbt Cloud sends no webhook about them, and some have no end,
 * so that no range of ends finds them. The cursor is the time of dbt Cloud at the last round or, if it did not say that, the
 * time of the last canceled run.
 */
async function sweepCanceled(parts: SweepParts, context: RoundContext): Promise<number> {
  const inScope = await parts.scope.current(context.now(), context.signal);
  const cursor = new Cursor(context);
  const from = earlier(cursor.at ?? context.since, DBT_CLOUD_LIMITS.canceledWindowMs);
  let reached: Date | undefined;
  let unreadable = 0;
  const filter = { statuses: [STATUS_CODE.cancelled] };
  for await (const page of runPagesBy(parts.api, { ...rangeFrom(from, context), by: 'createdAt', filter })) {
    unreadable += page.unreadable;
    reached ??= page.serverTime;
    await report(parts, context, { runs: page.runs, inScope, serverTime: page.serverTime ?? context.now() });
    if (!page.serverTime) reached = lastOf(page.runs, 'createdAt') ?? reached;
  }
  await cursor.moveTo(reached);
  return unreadable;
}

/**
 * Reports runs that are running by the API, and runs that are open in the inbox, whatever became of them. Of the second kind,
 * a webhook has reported each one, so all of them are in scope.
 */
async function sweepOpen(parts: SweepParts, context: RoundContext): Promise<number> {
  const { api } = parts;
  const { signal } = context;
  const inScope = await parts.scope.current(context.now(), signal);
  const seen = new Set<string>();
  let unreadable = 0;
  for await (const { runs, serverTime = context.now(), unreadable: count } of api.runPages(
    { statuses: [STATUS_CODE.running] },
    { signal },
  )) {
    await report(parts, context, { runs, inScope, serverTime });
    for (const { id } of runs) seen.add(id);
    unreadable += count;
  }
  const open = await context.openRuns(DBT_CLOUD_LIMITS.openRunsMax);
  const ids = open.map(({ runId }) => runId).filter((id) => !seen.has(id) && Number.isSafeInteger(Number(id)));
  for (let at = 0; at < ids.length; at += DBT_CLOUD_LIMITS.pageItemsMax) {
    const asked = ids.slice(at, at + DBT_CLOUD_LIMITS.pageItemsMax);
    const { runs, serverTime = context.now(), unreadable: count } = await api.runPage({ ids: asked }, { signal });
    await report(parts, context, { runs, inScope: () => true, serverTime });
    unreadable += count;
  }
  return unreadable;
}

/** Runs of one page. */
interface FoundRuns {
  readonly runs: readonly DbtCloudApiRun[];
  readonly inScope: InScope;
  readonly serverTime: Date;
}

async function report(
  { names, settings: { graceMs } }: SweepParts,
  context: RoundContext,
  { runs, inScope, serverTime }: FoundRuns,
): Promise<void> {
  const found: ReportedRun[] = [];
  for (const run of runs.filter(inScope)) {
    const phases = phasesOf(run, { serverTime, graceMs });
    if (phases.length === 0) continue;
    const endedAt = endOf(run, serverTime);
    const body = envelopeOf(run, await names.of(run, context.now(), context.signal));
    found.push({ accountId: run.accountId, runId: run.id, phases, body, ...(endedAt && { endedAt }) });
  }
  for (let at = 0; at < found.length; at += DBT_CLOUD_LIMITS.reportMax) {
    await context.report(found.slice(at, at + DBT_CLOUD_LIMITS.reportMax));
  }
}

/** A cursor that is a time and only moves ahead, even if a clock was set back. */
class Cursor {
  readonly #context: RoundContext;
  at: Date | undefined;

  constructor(context: RoundContext) {
    this.#context = context;
    const time = new Date(context.cursor ?? Number.NaN);
    this.at = Number.isNaN(time.getTime()) ? undefined : time;
  }

  async moveTo(time: Date | undefined): Promise<void> {
    if (!time || (this.at && time <= this.at)) return;
    await this.#context.moveTo(time.toISOString());
    this.at = time;
  }
}

function earlier(time: Date, ms: number): Date {
  return new Date(time.getTime() - ms);
}

function rangeFrom(from: Date, { now, signal }: RoundContext): { from: Date; to: Date; signal: AbortSignal } {
  return { from, to: new Date(now().getTime() + DBT_CLOUD_LIMITS.aheadMs), signal };
}
