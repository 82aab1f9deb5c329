import {
  defined,
  isProviderApiError,
  type ProviderApiErrorReason,
  type ReportedRun,
  type RoundContext,
} from 'nestjs-runhooks/core';
import type { ParadimeApiCommand, ParadimeApiRun } from '../api/api-objects.js';
import type { ParadimeApi } from '../api/paradime-api.js';
import { PARADIME_LIMITS } from '../limits.js';
import { isFinal } from '../status.js';
import { endOf, envelopeOf, isOver, type RunPlace } from './envelope.js';
import { askedBy, type Listing } from './schedule-book.js';

/** A look at the runs of one schedule. */
export interface ScheduleLook {
  readonly client: ParadimeApi;
  readonly context: RoundContext;
  readonly place: RunPlace;
  /** Runs that started before are not looked at, in milliseconds since 1970. */
  readonly fromMs: number;
  /** Whether the runs of the schedule were never listed before. */
  readonly isFirst: boolean;
  readonly graceMs: number;
}

/** Runs of a schedule at one time. */
interface ListedRuns {
  /** The newest first, each once. */
  readonly runs: readonly ParadimeApiRun[];
  /** Time of the server, or of the clock that decides. */
  readonly nowMs: number;
}

/** Lists the runs of a schedule, reports those that are old enough, and returns what to do next. */
export async function reportRuns(look: ScheduleLook): Promise<Listing> {
  const { graceMs, place } = look;
  const listed = await listRuns(look);
  const { runs, nowMs } = listed;
  const hasNews = (run: ParadimeApiRun) => isOver(run) || run.status === 'running';
  const isFresh = (run: ParadimeApiRun) => {
    const time = isOver(run) ? run.endedAt : run.startedAt;
    // A time in the far future is one of a wrong clock, and must not hold the run back.
    return hasNews(run) && time !== undefined && Math.abs(nowMs - time.getTime()) < graceMs;
  };
  const reported = runs.filter((run) => hasNews(run) && !isFresh(run)).toReversed();
  await report(
    look,
    reported.toSorted((one, other) => orderMs(one, nowMs) - orderMs(other, nowMs)),
    listed,
  );

  // A run that never ends must not be listed forever.
  const oldestMs = nowMs - PARADIME_LIMITS.openRunMsMax;
  const isOpen = (run: ParadimeApiRun) => !isOver(run) && (run.startedAt?.getTime() ?? nowMs) > oldestMs;
  const unsettled = runs.filter((run) => isOpen(run) || isFresh(run));
  const [newest] = runs;
  // The schedule reports only the end of its newest run, and lists can lag behind it.
  const isBehind = newest !== undefined && isOpen(newest) && isFinal(place.schedule.lastRunState);
  const again = isBehind || unsettled.some((run) => isFresh(run) || run !== newest);
  const starts = (unsettled.length > 0 ? unsettled : runs).flatMap(({ startedAt }) => startedAt?.getTime() ?? []);
  const fromMs = unsettled.length > 0 ? Math.min(...starts) : Math.max(...starts);
  return { fromMs: Number.isFinite(fromMs) ? fromMs : look.fromMs, again };
}

/** Pages from the newest run to the first one that is too old. */
async function listRuns({ client, context, place, fromMs }: ScheduleLook): Promise<ListedRuns> {
  const { signal } = context;
  const runs = new Map<string, ParadimeApiRun>();
  let now = context.now();
  const isTooOld = ({ startedAt }: ParadimeApiRun) => startedAt !== undefined && startedAt.getTime() < fromMs;
  for await (const { items, serverTime } of client.runPages(askedBy(place.schedule), { signal })) {
    if (serverTime) now = serverTime;
    // A run appears twice if another one started between two pages. The first page is the one of the start of the look.
    for (const run of items) if (!isTooOld(run) && !runs.has(run.id)) runs.set(run.id, run);
    if (items.some(isTooOld)) break;
  }
  return { runs: [...runs.values()], nowMs: now.getTime() };
}

/**
 * Reports runs in steps, because reporting also renews the lease of the round.
 *
 * @throws the first failure that is about one run alone, after all other runs were reported.
 */
async function report(look: ScheduleLook, runs: readonly ParadimeApiRun[], { nowMs }: ListedRuns): Promise<void> {
  const { context, place } = look;
  const failures: unknown[] = [];
  for (let from = 0; from < runs.length; from += PARADIME_LIMITS.reportStepRuns) {
    const step = runs.slice(from, from + PARADIME_LIMITS.reportStepRuns).map((run) => ({
      run,
      known: { accountId: place.workspace, runId: run.id, phases: [phaseOf(run)] } as const,
    }));
    const lacking = await context.lacking(step.map(({ known }) => known));
    const reported: ReportedRun[] = [];
    for (const [index, { run, known }] of step.entries()) {
      // The inbox also stores facts of runs that webhooks reported, but commands are no such facts.
      const details = lacking[index] === true ? await commandsOf(look, run, nowMs, failures) : [];
      if (!details) continue;
      const commands = isOver(run) ? details : undefined;
      const endedAt = isOver(run) ? (endOf(run, commands) ?? supposedEnd(run, look, nowMs)) : undefined;
      reported.push({ ...known, ...defined({ endedAt }), body: envelopeOf(run, place, commands) });
    }
    await context.report(reported);
  }
  if (failures.length > 0) throw failures[0];
}

/** One phase has the outcome and the last event of a run, as the one webhook about its end does. */
function phaseOf(run: ParadimeApiRun): ReportedRun['phases'][number] {
  return isOver(run) ? `complete:${run.status}` : 'running';
}

/**
 * Returns the commands of a run that is over. No handler receives runs of the history, so that costs no call. Returns
 * `undefined` for a run whose commands cannot be read now, and adds the failure. After an hour, the run has none.
 */
async function commandsOf(
  { client, context }: ScheduleLook,
  run: ParadimeApiRun,
  nowMs: number,
  failures: unknown[],
): Promise<readonly ParadimeApiCommand[] | undefined> {
  if (!isOver(run) || (run.endedAt && run.endedAt < context.since)) return [];
  try {
    return (await client.run(run.id, { signal: context.signal })).commands;
  } catch (error) {
    if (!isProviderApiError(error)) throw error;
    // A run that was canceled in the queue can lack details. Its outcome is known all the same.
    if (error.reason === 'not-found') return [];
    if (!OF_ONE_RUN.includes(error.reason)) throw error;
    if (nowMs - (run.endedAt?.getTime() ?? 0) >= PARADIME_LIMITS.commandsMsMax) return [];
    failures.push(error);
    return undefined;
  }
}

/** Reasons that concern one run. All others would meet the next run as well. */
const OF_ONE_RUN: readonly ProviderApiErrorReason[] = ['refused', 'invalid-answer', 'too-large', 'invalid-request'];

/**
 * Returns the end of a run for which the API has none: the time when a round found it. At the first look at its schedule, it
 * is history if it started before the source was registered.
 */
function supposedEnd({ startedAt }: ParadimeApiRun, { context, isFirst }: ScheduleLook, nowMs: number): Date {
  return isFirst && startedAt && startedAt < context.since ? startedAt : new Date(nowMs);
}

/** Runs are reported in the order of their ends, so that the first failure of a job is the first one in time. */
function orderMs(run: ParadimeApiRun, nowMs: number): number {
  return (isOver(run) ? (run.endedAt ?? run.startedAt) : run.startedAt)?.getTime() ?? nowMs;
}
