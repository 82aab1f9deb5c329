import {
  isProviderApiError,
  matchesPattern,
  ProviderApiError,
  type ProviderApiErrorReason,
  type Round,
  type RoundContext,
} from 'nestjs-runhooks/core';
import type { ParadimeApiSchedule } from '../api/api-objects.js';
import type { ParadimeApi } from '../api/paradime-api.js';
import { PARADIME_LIMITS } from '../limits.js';
import { jobKeysOf } from '../signal.js';
import { askedBy, ScheduleBook } from './schedule-book.js';
import { reportRuns } from './schedule-runs.js';
import type { SweepSettings } from './sweep-options.js';

/** The rounds that look for runs of one workspace that no webhook reported. */
export class Sweep {
  readonly #client: ParadimeApi;
  readonly #workspace: string;
  readonly #settings: SweepSettings;
  #workspaceName: { readonly name: string | undefined } | undefined;

  constructor(client: ParadimeApi, workspace: string, settings: SweepSettings) {
    this.#client = client;
    this.#workspace = workspace;
    this.#settings = settings;
  }

  get rounds(): readonly Round[] {
    const { schedulesEveryMs, allEveryMs } = PARADIME_LIMITS;
    return [
      { kind: 'schedules', everyMs: schedulesEveryMs, run: (context) => this.#sweepNews(context) },
      { kind: 'all', everyMs: allEveryMs, run: (context) => this.#sweepAll(context) },
    ];
  }

  /** One call lists up to 100 schedules with their last runs. Only the runs of those with news are listed. */
  async #sweepNews(context: RoundContext): Promise<void> {
    const { graceMs } = this.#settings;
    const { sweepOverlapMs, sweepHistoryMs, moveEverySchedules } = PARADIME_LIMITS;
    const book = new ScheduleBook(context.cursor, graceMs);
    const due: (readonly [ParadimeApiSchedule, nowMs: number])[] = [];
    const found = new Set<string>();
    for await (const { items, serverTime } of this.#client.schedulePages({ signal: context.signal })) {
      const nowMs = (serverTime ?? context.now()).getTime();
      for (const schedule of items.filter((item) => this.#isInScope(item))) {
        found.add(askedBy(schedule));
        if (book.isDue(schedule, nowMs)) due.push([schedule, nowMs]);
      }
    }
    book.keep(found);
    for (const [index, [schedule, nowMs]] of due.entries()) {
      context.signal.throwIfAborted();
      const fromMs = (book.fromMs(schedule) ?? context.since.getTime() - sweepHistoryMs) - sweepOverlapMs;
      book.listed(schedule, await this.#report(schedule, fromMs, context), nowMs);
      if ((index + 1) % moveEverySchedules === 0) await context.moveTo(book.text);
    }
    if (book.text !== context.cursor) await context.moveTo(book.text);
  }

  /**
   * Lists the runs of every schedule, inactive ones as well: a schedule reports no news about an older run, for example if
   * that was canceled, nor after it became inactive.
   */
  async #sweepAll(context: RoundContext): Promise<void> {
    const { allOverlapMs, sweepHistoryMs, openRunsMax } = PARADIME_LIMITS;
    const before = new Date(context.cursor ?? Number.NaN).getTime();
    const fromMs = Number.isNaN(before) ? context.since.getTime() - sweepHistoryMs : before - allOverlapMs;
    const open = await context.openRuns(openRunsMax);
    let startMs: number | undefined;
    for (const inactive of [false, true]) {
      for await (const { items, serverTime } of this.#client.schedulePages({ inactive, signal: context.signal })) {
        startMs ??= (serverTime ?? context.now()).getTime();
        for (const schedule of items.filter((item) => this.#isInScope(item))) {
          context.signal.throwIfAborted();
          const keys = jobKeysOf(this.#workspace, [schedule.slug, schedule.name]);
          const starts = open.flatMap((run) => (keys.includes(run.jobKey) ? (run.startedAt?.getTime() ?? []) : []));
          await this.#report(schedule, Math.min(fromMs, ...starts), context);
        }
      }
    }
    if (startMs !== undefined) await context.moveTo(new Date(startMs).toISOString());
  }

  async #report(schedule: ParadimeApiSchedule, fromMs: number, context: RoundContext) {
    const workspaceName = await this.#nameOfWorkspace(context);
    const place = { workspace: this.#workspace, workspaceName, schedule };
    return reportRuns({ client: this.#client, context, place, fromMs, graceMs: this.#settings.graceMs });
  }

  #isInScope({ slug, name }: ParadimeApiSchedule): boolean {
    const { schedules } = this.#settings;
    const names = [slug, name].filter((text) => text !== undefined);
    return schedules === undefined || schedules.some((pattern) => names.some((text) => matchesPattern(pattern, text)));
  }

  /** Webhooks have the name of the workspace, and filters match it. It is asked for once. */
  async #nameOfWorkspace({ signal }: RoundContext): Promise<string | undefined> {
    this.#workspaceName ??= { name: await this.#askNameOfWorkspace(signal) };
    return this.#workspaceName.name;
  }

  async #askNameOfWorkspace(signal: AbortSignal): Promise<string | undefined> {
    let workspaces;
    try {
      workspaces = await this.#client.workspaces({ signal });
    } catch (error) {
      // A key of a workspace may lack the right, and without the name runs are found all the same.
      if (isProviderApiError(error) && NO_RIGHT.includes(error.reason)) return undefined;
      throw error;
    }
    const own = workspaces.find(({ uid }) => uid === this.#workspace);
    if (own || workspaces.length === 0) return own?.name;
    throw new ProviderApiError({
      reason: 'not-found',
      asked: 'Paradime: list workspaces',
      found: `expected the configured workspace "${this.#workspace}", got ${workspaces.length} other ones`,
      todo: 'Set api.workspace to the uid that webhooks have in workspace.uid',
    });
  }
}

const NO_RIGHT: readonly ProviderApiErrorReason[] = ['unauthorized', 'forbidden', 'refused', 'not-found'];
