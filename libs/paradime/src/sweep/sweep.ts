import {
  defined,
  isProviderApiError,
  ProviderApiError,
  type ProviderApiErrorReason,
  refersTo,
  type Round,
  type RoundContext,
} from 'nestjs-runhooks/core';
import type { ParadimeApiSchedule } from '../api/api-objects.js';
import type { ParadimeApi } from '../api/paradime-api.js';
import { PARADIME_LIMITS } from '../limits.js';
import { jobKeysOf } from '../signal.js';
import { askedBy, type Listing, ScheduleBook } from './schedule-book.js';
import { ScheduleFailures } from './schedule-failures.js';
import { reportRuns, type ScheduleLook } from './schedule-runs.js';
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
    const { sweepOverlapMs, moveEverySchedules } = PARADIME_LIMITS;
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
    if (due.length > 0) await this.#findWorkspace(context);
    const failures = new ScheduleFailures();
    for (const [index, [schedule, nowMs]] of due.entries()) {
      context.signal.throwIfAborted();
      const fromMs = (book.fromMs(schedule) ?? firstMs(context)) - sweepOverlapMs;
      await failures.attempt(async () => {
        const isFirst = book.fromMs(schedule) === undefined;
        book.listed(schedule, await this.#report(schedule, { fromMs, isFirst }, context), nowMs);
      });
      if ((index + 1) % moveEverySchedules === 0) await context.moveTo(book.text);
    }
    if (book.text !== context.cursor) await context.moveTo(book.text);
    failures.throwFirst();
  }

  /**
   * Lists the runs of every schedule, inactive ones as well: a schedule reports no news about an older run, for example if
   * that was canceled, nor after it became inactive.
   */
  async #sweepAll(context: RoundContext): Promise<void> {
    const { allOverlapMs, openRunsMax } = PARADIME_LIMITS;
    await this.#findWorkspace(context);
    const before = new Date(context.cursor ?? Number.NaN).getTime();
    const fromMs = Number.isNaN(before) ? firstMs(context) : before - allOverlapMs;
    const open = await context.openRuns(openRunsMax);
    const failures = new ScheduleFailures();
    let startMs: number | undefined;
    for (const inactive of [false, true]) {
      for await (const { items, serverTime } of this.#client.schedulePages({ inactive, signal: context.signal })) {
        startMs ??= (serverTime ?? context.now()).getTime();
        for (const schedule of items.filter((item) => this.#isInScope(item))) {
          context.signal.throwIfAborted();
          const keys = jobKeysOf(this.#workspace, [schedule.slug, schedule.name]);
          const starts = open.flatMap((run) => (keys.includes(run.jobKey) ? (run.startedAt?.getTime() ?? []) : []));
          await failures.attempt(async () => {
            await this.#report(
              schedule,
              { fromMs: Math.min(fromMs, ...starts), isFirst: Number.isNaN(before) },
              context,
            );
          });
        }
      }
    }
    failures.throwFirst();
    if (startMs !== undefined) await context.moveTo(new Date(startMs).toISOString());
  }

  async #report(
    schedule: ParadimeApiSchedule,
    from: Pick<ScheduleLook, 'fromMs' | 'isFirst'>,
    context: RoundContext,
  ): Promise<Listing> {
    const workspaceName = this.#workspaceName?.name;
    const place = { workspace: this.#workspace, workspaceName, schedule };
    return reportRuns({ client: this.#client, context, place, ...from, graceMs: this.#settings.graceMs });
  }

  #isInScope({ slug, name }: ParadimeApiSchedule): boolean {
    return refersTo(this.#settings.schedules, defined({ id: slug, name }));
  }

  /** Asks once for the name of the workspace, which webhooks have and filters match. */
  async #findWorkspace({ signal }: RoundContext): Promise<void> {
    this.#workspaceName ??= { name: await this.#askNameOfWorkspace(signal) };
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

/** Returns where a look starts that has no earlier one, in milliseconds since 1970. */
function firstMs(context: RoundContext): number {
  const { sweepHistoryMs, sweepFirstMsMax } = PARADIME_LIMITS;
  return Math.max(context.since.getTime() - sweepHistoryMs, context.now().getTime() - sweepFirstMsMax);
}

const NO_RIGHT: readonly ProviderApiErrorReason[] = ['unauthorized', 'forbidden', 'refused', 'not-found'];
