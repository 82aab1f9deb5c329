import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { ApiHost, OpenRun, ReportedRun, Round, RoundContext } from 'nestjs-runhooks/core';
import { ManualClock } from 'nestjs-runhooks/testing';
import { LoopbackGraphql, respondWith } from '../../../../test/providers/loopback-graphql.js';
import { openParadimeApi } from '../open-api.js';
import type { ParadimeEnvelope } from './envelope.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const SINCE = new Date('2026-03-01T12:00:00Z');

/** A run of the simulated workspace. */
interface SimulatedRun {
  readonly id: number;
  state: string;
  startedAt?: Date | undefined;
  endedAt?: Date | undefined;
}

/** A schedule with its runs, the newest first. */
class SimulatedSchedule {
  readonly runs: SimulatedRun[] = [];
  inactive = false;
  /** Last run in the list of schedules, if it differs from the newest run. */
  lastRun: Pick<SimulatedRun, 'state' | 'startedAt'> | undefined;

  constructor(
    readonly slug: string,
    readonly name = slug.toUpperCase(),
  ) {}

  start(at: Date, state = 'RUNNING'): SimulatedRun {
    const run = { id: nextId++, state, startedAt: at };
    this.runs.unshift(run);
    return run;
  }
}

let nextId: number;
let clock: ManualClock;
let server: LoopbackGraphql;
let schedules: SimulatedSchedule[];
let rounds: readonly Round[];
/** Phases that the inbox has from sweeps. */
let stored: Set<string>;
/** Reported runs that the inbox lacked. */
let reported: ReportedRun[];
let cursors: Map<string, string>;
let openRuns: OpenRun[];
/** Run ids that the inbox knows from webhooks. */
let heard: Set<string>;

const host: ApiHost = {
  now: () => clock.now(),
  cooldownUntil: async () => undefined,
  coolDown: async () => undefined,
  act: () => Promise.reject(new Error('No action was expected.')),
};

beforeEach(async () => {
  [nextId, schedules, reported, cursors, openRuns, heard, stored] = [100, [], [], new Map(), [], new Set(), new Set()];
  clock = new ManualClock(SINCE);
  server = await new LoopbackGraphql({
    listWorkspaces: () => ({ workspaces: [{ uid: 'w1', name: 'demo' }] }),
    listBoltSchedules: ({ variables }) => {
      const { offset, limit, showInactive } = variables as { offset: number; limit: number; showInactive: boolean };
      const listed = schedules.filter(({ inactive }) => inactive === showInactive);
      return listOf(listed.slice(offset, offset + limit));
    },
    listBoltRuns: ({ variables }) => {
      const { slug, offset, limit } = variables as { slug: string; offset: number; limit: number };
      const runs = schedules.find((schedule) => schedule.slug === slug)?.runs ?? [];
      return {
        ok: true,
        runs: runs.slice(offset, offset + limit).map(({ id, state, startedAt, endedAt }) => ({
          id,
          state,
          actor: 'Scheduler',
          startDttm: startedAt && textOf(startedAt),
          endDttm: endedAt && textOf(endedAt),
        })),
      };
    },
    boltRunStatus: () => ({ state: 'SUCCESS', commands: [{ id: 1, command: 'dbt build', returnCode: 0 }] }),
  }).start();
  Object.defineProperty(server, 'date', { get: () => clock.now() });
  openSweep();
});

afterEach(() => server.close());

function openSweep(sweep?: object): void {
  const api = { endpoint: server.endpoint, token: 'prdm_wsp_1', workspace: 'w1' };
  const time = { monotonicMs: () => 0, pause: async () => undefined };
  rounds = openParadimeApi({ api, sweep, option: 'paradime', host, time })?.rounds ?? [];
}

/** Returns schedules as the API lists them. */
function listOf(listed: readonly SimulatedSchedule[]): object {
  return {
    totalCount: listed.length,
    schedules: listed.map(({ slug, name, runs, lastRun = runs[0] }) => ({
      slug,
      name,
      lastRunAt: lastRun?.startedAt && textOf(lastRun.startedAt),
      lastRunState: lastRun?.state,
    })),
  };
}

/** Paradime writes a space, and no zone. */
function textOf(time: Date): string {
  return time.toISOString().replace('T', ' ').replace('Z', '000');
}

function ago(ms: number): Date {
  return new Date(clock.now().getTime() - ms);
}

/** Runs a round, and returns the operations that it asked. */
async function sweep(kind: 'schedules' | 'all' = 'schedules', changes: Partial<RoundContext> = {}): Promise<string[]> {
  const before = server.requests.length;
  const isKnown = (run: Pick<ReportedRun, 'runId' | 'phases'>) => heard.has(run.runId) || stored.has(keyOf(run));
  const context: RoundContext = {
    source: 'paradime',
    cursor: cursors.get(kind),
    since: SINCE,
    signal: new AbortController().signal,
    now: () => clock.now(),
    report: async (runs) => {
      expect(runs.length).toBeLessThanOrEqual(200);
      reported.push(...runs.filter((run) => !isKnown(run)));
      for (const run of runs) stored.add(keyOf(run));
    },
    lacking: async (runs) => runs.map((run) => !isKnown(run)),
    moveTo: async (cursor) => void cursors.set(kind, cursor),
    openRuns: async () => openRuns,
    ...changes,
  };
  await rounds.find((round) => round.kind === kind)?.run(context);
  return server.requests.slice(before).map(({ operation }) => operation);
}

/** Waits until a round is due again, and runs it. */
async function sweepLater(ms = 2 * MINUTE): Promise<string[]> {
  clock.advance(ms);
  return sweep();
}

function keyOf({ runId, phases }: Pick<ReportedRun, 'runId' | 'phases'>): string {
  return `${runId} ${phases.join()}`;
}

function found(): string[] {
  return reported.map(keyOf);
}

function daily(slug = 'daily'): SimulatedSchedule {
  const schedule = new SimulatedSchedule(slug);
  schedules.push(schedule);
  return schedule;
}

describe('the first round', () => {
  it('reports the runs of the last day and open ones, the oldest end first, with their commands and names', async () => {
    const schedule = daily();
    schedule.runs.push(
      { id: 4, state: 'RUNNING', startedAt: ago(5 * MINUTE) },
      { id: 3, state: 'SUCCESS', startedAt: ago(2 * HOUR), endedAt: ago(HOUR) },
      { id: 2, state: 'FAILED', startedAt: ago(3 * HOUR), endedAt: ago(2 * HOUR) },
      { id: 1, state: 'FAILED', startedAt: ago(40 * HOUR), endedAt: ago(39 * HOUR) },
    );
    await sweep();
    expect(found()).toEqual(['2 complete:failed', '3 complete:succeeded', '4 running']);
    expect(reported[1]).toMatchObject({ accountId: 'w1', endedAt: ago(HOUR) });
    const { run, names } = (reported[1] as ReportedRun).body as ParadimeEnvelope;
    expect(run).toMatchObject({ id: '3', workspace: 'w1', schedule: 'daily', state: 'SUCCESS' });
    expect(names).toEqual({ project: 'demo', job: 'DAILY' });
  });

  it('asks for no commands of runs that ended before the source was registered', async () => {
    daily().runs.push({ id: 3, state: 'FAILED', startedAt: ago(2 * HOUR), endedAt: ago(HOUR) });
    expect(await sweep()).toEqual(['listBoltSchedules', 'listWorkspaces', 'listBoltRuns']);
    expect(found()).toEqual(['3 complete:failed']);
  });

  it('takes a canceled run without an end as history if it started before', async () => {
    daily().runs.push({ id: 3, state: 'CANCELED', startedAt: ago(HOUR) });
    await sweep();
    expect(reported).toMatchObject([{ runId: '3', phases: ['complete:canceled'], endedAt: ago(HOUR) }]);
  });

  it('does so also if the runs of its schedule cannot be listed in the first round', async () => {
    daily().runs.push({ id: 3, state: 'CANCELED', startedAt: ago(2 * HOUR) });
    daily('other').runs.push({ id: 4, state: 'CANCELED', startedAt: ago(2 * HOUR) });
    server.faults.push(
      respondWith(200, { data: { listBoltSchedules: listOf(schedules) } }),
      respondWith(200, { data: { listWorkspaces: { workspaces: [{ uid: 'w1', name: 'demo' }] } } }),
      respondWith(200, { errors: [{ message: 'internal error of this schedule' }] }),
    );
    await expect(sweep()).rejects.toThrow('list runs of schedule "daily"');
    await sweepLater();
    expect(reported.map(({ runId, endedAt }) => [runId, endedAt! < SINCE])).toEqual([
      ['4', true],
      ['3', true],
    ]);
  });

  it('goes back for a week at most if the source was registered long before', async () => {
    clock.advance(100 * 24 * HOUR);
    daily().runs.push(
      { id: 4, state: 'SUCCESS', startedAt: ago(6 * 24 * HOUR), endedAt: ago(HOUR) },
      { id: 3, state: 'CANCELED', startedAt: ago(8 * 24 * HOUR), endedAt: ago(8 * 24 * HOUR) },
    );
    await sweep();
    expect(found()).toEqual(['4 complete:succeeded']);
  });

  it('lists no runs of a schedule that never ran', async () => {
    daily();
    expect(await sweep()).toEqual(['listBoltSchedules']);
  });
});

describe('a later round', () => {
  let schedule: SimulatedSchedule;

  beforeEach(async () => {
    schedule = daily();
    schedule.runs.push({ id: 1, state: 'SUCCESS', startedAt: ago(2 * HOUR), endedAt: ago(HOUR) });
    daily('other').runs.push({ id: 2, state: 'SUCCESS', startedAt: ago(2 * HOUR), endedAt: ago(HOUR) });
    await sweep();
    reported.length = 0;
  });

  it('makes one call if there is no news', async () => {
    expect(await sweepLater()).toEqual(['listBoltSchedules']);
    expect(await sweepLater()).toEqual(['listBoltSchedules']);
  });

  it('lists only the runs of a schedule with news, after the time that its webhook has', async () => {
    clock.advance(2 * MINUTE);
    const run = schedule.start(clock.now());
    Object.assign(run, { state: 'FAILED', endedAt: clock.now() });
    expect(await sweep()).toEqual(['listBoltSchedules']);
    expect(await sweepLater()).toEqual(['listBoltSchedules', 'listBoltRuns', 'boltRunStatus']);
    expect(server.asked('listBoltRuns').at(-1)).toMatchObject({ slug: 'daily' });
    expect(found()).toEqual(['100 complete:failed']);
    expect(reported[0]?.body).toMatchObject({ run: { commands: [{ id: '1', command: 'dbt build', returnCode: 0 }] } });
    expect(await sweepLater()).toEqual(['listBoltSchedules']);
  });

  it('lists the runs although a clock was a day ahead when it saw the news', async () => {
    schedule.runs.unshift({ id: 8, state: 'FAILED', startedAt: ago(5 * MINUTE), endedAt: ago(4 * MINUTE) });
    clock.advance(24 * HOUR);
    await sweep();
    clock.advance(-24 * HOUR);
    expect(await sweepLater()).toContain('listBoltRuns');
    expect(found()).toContain('8 complete:failed');
  });

  it('asks for no commands of a run that a webhook reported', async () => {
    const run = schedule.start(clock.now());
    heard.add(String(run.id));
    Object.assign(run, { state: 'FAILED', endedAt: clock.now() });
    await sweepLater();
    expect(await sweepLater()).toEqual(['listBoltSchedules', 'listBoltRuns']);
    expect(found()).toEqual([]);
  });

  it('reports the start and the end of a long run, and does not list it in between', async () => {
    const run = schedule.start(clock.now());
    await sweepLater();
    await sweepLater();
    expect(found()).toEqual(['100 running']);
    expect(await sweepLater()).toEqual(['listBoltSchedules']);
    Object.assign(run, { state: 'CANCELED', endedAt: clock.now() });
    await sweepLater();
    await sweepLater();
    expect(found()).toEqual(['100 running', '100 complete:canceled']);
  });

  it('waits for the webhook of a run that ended just before the listing', async () => {
    const run = schedule.start(clock.now());
    await sweepLater();
    clock.advance(2 * MINUTE);
    Object.assign(run, { state: 'SUCCESS', endedAt: ago(MINUTE) });
    await sweep();
    expect(found()).toEqual([]);
    await sweepLater();
    expect(found()).toEqual(['100 complete:succeeded']);
  });

  it('does not report a run that waits to start', async () => {
    schedule.start(clock.now(), 'STARTING');
    await sweepLater();
    await sweepLater();
    expect(found()).toEqual([]);
  });

  it('lists the runs again if the list lags behind the schedule', async () => {
    const run = schedule.start(clock.now());
    schedule.lastRun = { state: 'SUCCESS', startedAt: clock.now() };
    await sweepLater();
    await sweepLater();
    expect(found()).toEqual(['100 running']);
    Object.assign(run, { state: 'SUCCESS', endedAt: ago(3 * MINUTE) });
    await sweepLater();
    expect(found()).toEqual(['100 running', '100 complete:succeeded']);
  });

  it('finds the end of a run after which another one started', async () => {
    const first = schedule.start(clock.now());
    const second = schedule.start(clock.now());
    await sweepLater();
    await sweepLater();
    clock.advance(HOUR);
    Object.assign(first, { state: 'CANCELED', endedAt: ago(3 * MINUTE) });
    await sweep();
    expect(second.state).toBe('RUNNING');
    expect(found()).toEqual(['100 running', '101 running', '100 complete:canceled']);
  });

  it('does not list a run forever that never ends', async () => {
    schedule.start(clock.now());
    schedule.start(clock.now());
    await sweepLater();
    await sweepLater();
    clock.advance(8 * 24 * HOUR);
    await sweep();
    expect(await sweepLater()).toEqual(['listBoltSchedules']);
  });

  it('finds all runs of an outage of weeks, over pages', async () => {
    for (let run = 0; run < 250; run++) {
      clock.advance(HOUR);
      Object.assign(schedule.start(clock.now()), { state: 'SUCCESS', endedAt: clock.now() });
    }
    await sweepLater(HOUR);
    await sweepLater();
    expect(clock.now().getTime() - SINCE.getTime()).toBeGreaterThan(10 * 24 * HOUR);
    expect(found()).toEqual(Array.from({ length: 250 }, (_, index) => `${100 + index} complete:succeeded`));
  });

  it('takes the time of its find as the end of a canceled run that has none', async () => {
    schedule.start(clock.now(), 'CANCELED').startedAt = undefined;
    await sweepLater();
    await sweepLater();
    expect(reported).toMatchObject([{ runId: '100', phases: ['complete:canceled'], endedAt: clock.now() }]);
  });

  it('starts again from the last cursor if it fails', async () => {
    const cursor = cursors.get('schedules');
    Object.assign(schedule.start(clock.now()), { state: 'FAILED', endedAt: clock.now() });
    await sweepLater();
    expect(cursors.get('schedules')).not.toBe(cursor);
    clock.advance(2 * MINUTE);
    await expect(sweep('schedules', { report: () => Promise.reject(new Error('down')) })).rejects.toThrow('down');
    expect(found()).toEqual([]);
    await sweep();
    expect(found()).toEqual(['100 complete:failed']);
  });

  it('looks at the other schedules if the runs of one cannot be listed, and then fails', async () => {
    for (const { runs } of schedules) runs.unshift({ id: nextId++, state: 'FAILED', startedAt: clock.now() });
    await sweepLater();
    clock.advance(2 * MINUTE);
    const listed = respondWith(200, { data: { listBoltSchedules: listOf(schedules) } });
    server.faults.push(listed, respondWith(200, { errors: [{ message: 'internal error of this schedule' }] }));
    await expect(sweep()).rejects.toThrow('list runs of schedule "daily"');
    expect(found()).toEqual(['101 complete:failed']);
    await sweepLater();
    expect(found()).toEqual(['101 complete:failed', '100 complete:failed']);
  });

  it('reports the other runs of a schedule if the commands of one cannot be read, and that one an hour after its end', async () => {
    const [first, second] = [schedule.start(clock.now()), schedule.start(clock.now())];
    Object.assign(first, { state: 'FAILED', endedAt: clock.now() });
    Object.assign(second, { state: 'FAILED', endedAt: new Date(clock.now().getTime() + 1_000) });
    const runs = [second, first].map(({ id, state, startedAt, endedAt }) => {
      return { id, state, startDttm: textOf(startedAt!), endDttm: textOf(endedAt!) };
    });
    const fail = () =>
      server.faults.push(
        respondWith(200, { data: { listBoltSchedules: listOf(schedules) } }),
        respondWith(200, { data: { listBoltRuns: { ok: true, runs } } }),
        respondWith(200, { errors: [{ message: 'internal error of this run' }] }),
      );
    await sweep();
    clock.advance(3 * MINUTE);
    fail();
    await expect(sweep()).rejects.toThrow('get run 100');
    expect(found()).toEqual(['101 complete:failed']);
    clock.advance(57 * MINUTE);
    fail();
    await sweep();
    expect(found()).toEqual(['101 complete:failed', '100 complete:failed']);
    expect(reported[1]).toHaveProperty('body.run.commands', []);
  });

  it('stops at an outage', async () => {
    for (const { runs } of schedules) runs.unshift({ id: nextId++, state: 'FAILED', startedAt: clock.now() });
    await sweepLater();
    clock.advance(2 * MINUTE);
    const listed = respondWith(200, { data: { listBoltSchedules: listOf(schedules) } });
    server.faults.push(listed, ...Array.from({ length: 3 }, () => respondWith(503, 'down')));
    await expect(sweep()).rejects.toMatchObject({ reason: 'unavailable' });
    expect(found()).toEqual([]);
  });

  it('stops between two schedules if another worker took it over', async () => {
    for (const { runs } of schedules) Object.assign(runs[0] ?? {}, { state: 'FAILED' });
    await sweepLater();
    clock.advance(2 * MINUTE);
    const abort = new AbortController();
    const report = async () => abort.abort(new Error('taken over'));
    await expect(sweep('schedules', { report, signal: abort.signal })).rejects.toThrow('taken over');
    expect(server.asked('listBoltRuns').filter(({ slug }) => slug === 'other')).toHaveLength(1);
  });

  it('starts anew from a cursor that it cannot read', async () => {
    cursors.set('schedules', '{"v":0}');
    stored.clear();
    await sweep();
    expect(found()).toEqual(['1 complete:succeeded', '2 complete:succeeded']);
  });
});

describe('hours of rounds', () => {
  const ENDS = ['SUCCESS', 'FAILED', 'ERROR', 'CANCELED', 'SKIPPED'];
  const STATUS: Readonly<Record<string, string>> = {
    SUCCESS: 'succeeded',
    FAILED: 'failed',
    ERROR: 'failed',
    CANCELED: 'canceled',
    SKIPPED: 'skipped',
  };

  /** Returns numbers from 0 to 1 that are the same in every run of the test. */
  function randomOf(seed: number): () => number {
    let state = seed;
    return () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
  }

  /** Lets two minutes pass for a schedule: runs begin, start, and end, some of them without an end. */
  function live(schedule: SimulatedSchedule, random: () => number): void {
    const at = () => ago(Math.floor(random() * 2 * MINUTE));
    for (const run of schedule.runs.filter(({ state }) => state === 'STARTING' || state === 'RUNNING')) {
      const end = ENDS[Math.floor(random() * ENDS.length)] ?? '';
      if (random() < 0.1)
        Object.assign(run, { state: end, endedAt: end === 'CANCELED' && random() < 0.5 ? undefined : at() });
      else run.state = 'RUNNING';
    }
    if (random() < 0.1) schedule.start(at(), random() < 0.5 ? 'STARTING' : 'RUNNING');
  }

  it.each([1, 2, 3])('report every run with its true outcome once, without any webhook (seed %i)', async (seed) => {
    const random = randomOf(seed);
    const all = [daily('a'), daily('b'), daily('c')];
    for (let round = 0; round < 180; round++) {
      clock.advance(2 * MINUTE);
      for (const schedule of all) live(schedule, random);
      await sweep();
    }
    clock.advance(10 * MINUTE);
    await sweep();
    const runs = all.flatMap((schedule) => schedule.runs);
    const over = runs.filter(({ state }) => ENDS.includes(state));
    expect(over.length).toBeGreaterThan(10);
    expect(
      found()
        .filter((key) => key.includes('complete'))
        .toSorted(),
    ).toEqual(over.map(({ id, state }) => `${id} complete:${STATUS[state]}`).toSorted());
  });
});

describe('the option sweep', () => {
  it('limits the schedules by slug or name', async () => {
    for (const slug of ['daily-a', 'daily-b', 'other']) {
      daily(slug).runs.push({ id: nextId++, state: 'SUCCESS', startedAt: ago(2 * HOUR), endedAt: ago(HOUR) });
    }
    openSweep({ schedules: ['daily-*', 'OTHER'] });
    await sweep();
    expect(found()).toHaveLength(3);
    reported.length = 0;
    stored.clear();
    cursors.clear();
    openSweep({ schedules: ['*-b'] });
    await sweep();
    expect(found()).toEqual(['101 complete:succeeded']);
  });

  it('sets the time that a webhook has', async () => {
    openSweep({ graceMs: 0 });
    const schedule = daily();
    await sweep();
    Object.assign(schedule.start(clock.now()), { state: 'FAILED', endedAt: clock.now() });
    await sweep();
    expect(found()).toEqual(['100 complete:failed']);
  });
});

describe('the round of all schedules', () => {
  it('finds runs of inactive schedules, and changes that are no news of their schedule', async () => {
    const schedule = daily();
    const retired = daily('retired');
    retired.inactive = true;
    const [old] = [schedule.start(ago(HOUR)), schedule.start(ago(MINUTE * 30)), retired.start(ago(HOUR))];
    await sweep('all');
    expect(found()).toEqual(['100 running', '101 running', '102 running']);
    reported.length = 0;
    clock.advance(6 * HOUR);
    Object.assign(old ?? {}, { state: 'CANCELED' });
    Object.assign(retired.runs[0] ?? {}, { state: 'FAILED', endedAt: ago(HOUR) });
    await sweep('all');
    expect(found()).toEqual(['100 complete:canceled', '102 complete:failed']);
  });

  it('lists back to the start of a run that the inbox calls open', async () => {
    const schedule = daily('daily run/1');
    Object.assign(schedule.start(ago(90 * HOUR)), { state: 'FAILED', endedAt: ago(HOUR) });
    cursors.set('all', ago(6 * HOUR).toISOString());
    await sweep('all');
    expect(found()).toEqual([]);
    openRuns = [{ accountId: 'w1', runId: '100', jobKey: 'w1/DAILY%20RUN%2F1', startedAt: ago(90 * HOUR) }];
    await sweep('all');
    expect(found()).toEqual(['100 complete:failed']);
  });
});

describe('the name of the workspace', () => {
  beforeEach(() => {
    daily().runs.push({ id: 3, state: 'FAILED', startedAt: ago(2 * HOUR), endedAt: ago(HOUR) });
  });

  it('is left out if the key may not list workspaces', async () => {
    server.faults.push(respondWith(200, { data: { listBoltSchedules: listOf(schedules) } }));
    server.faults.push(respondWith(200, { errors: [{ message: 'Permission denied' }] }));
    await sweep();
    expect(reported).toMatchObject([{ runId: '3', body: { names: { job: 'DAILY' } } }]);
  });

  it('fails the round if the configured workspace does not exist', async () => {
    server.faults.push(respondWith(200, { data: { listBoltSchedules: listOf(schedules) } }));
    server.faults.push(respondWith(200, { data: { listWorkspaces: { workspaces: [{ uid: 'w2', name: 'x' }] } } }));
    await expect(sweep()).rejects.toThrow(
      'expected the configured workspace "w1", got 1 other ones. Set api.workspace',
    );
    expect(cursors.size).toBe(0);
  });
});
