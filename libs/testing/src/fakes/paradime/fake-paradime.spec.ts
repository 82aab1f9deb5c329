import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ManualClock } from '../../manual-clock.js';
import { fakeParadime, type FakeParadime } from './fake-paradime.js';

const START = new Date('2026-11-30T03:00:00.123Z');
const MINUTE = 60_000;

let clock: ManualClock;
let bolt: FakeParadime;

beforeEach(async () => {
  clock = new ManualClock(START);
  bolt = await fakeParadime({ clock });
});

afterEach(() => bolt.close());

const READ = { authorization: 'Bearer prdm_wsp_fake_read' };
const ACT = { authorization: 'Bearer prdm_wsp_fake_act' };
type Variables = Readonly<Record<string, unknown>>;

function post(query: unknown, variables: Variables = {}, headers: Record<string, string> = READ): Promise<Response> {
  return fetch(bolt.options().endpoint, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ query, variables }),
  });
}

/** Returns the data of the only field that was asked for. */
async function ask(query: string, variables?: Variables, headers?: Record<string, string>): Promise<unknown> {
  const { data, errors } = (await (await post(query, variables, headers)).json()) as {
    data: Record<string, unknown> | null;
    errors?: { message: string }[];
  };
  if (errors) throw new Error(errors[0]?.message);
  return Object.values(data ?? {})[0];
}

const RUNS = `query ($slug: String, $offset: Int!, $limit: Int!) {
  listBoltRuns(slug: $slug, offset: $offset, limit: $limit) {
    ok runs { id state actor actorEmail startDttm endDttm parentScheduleRunId gitInfo { branch commitHash pullRequestId } }
  }
}`;
const SCHEDULES = `query listBoltSchedules($offset: Int!, $limit: Int!, $showInactive: Boolean!, $filter: BoltScheduleFilter) {
  listBoltSchedules(offset: $offset, limit: $limit, showInactive: $showInactive, filter: $filter) {
    totalCount # of all pages
    schedules { id name slug lastRunAt lastRunState nextRunAt suspended turboCi { enabled } }
  }
}`;
const STATUS = `query ($runId: Int!) {
  boltRunStatus(runId: $runId) { state commands { id command startDttm endDttm stdout stderr returnCode } }
}`;
const COMMAND =
  'query ($id: Int!) { boltCommand(commandId: $id) { command returnCode scheduleRunId resources { id path } } }';
const URL_OF = 'query ($id: Int!) { boltResourceUrl(resourceId: $id) { ok url } }';

const runsOf = async (slug: string, page: Variables = {}) =>
  ((await ask(RUNS, { slug, offset: 0, limit: 50, ...page })) as { runs: { id: number }[] }).runs;
const schedules = (variables: Variables = {}) =>
  ask(SCHEDULES, { offset: 0, limit: 100, showInactive: false, ...variables });

describe('schedules', () => {
  it('are listed with their last and next run, page by page', async () => {
    const nightly = bolt.schedule({ name: 'Nightly', slug: 'nightly-1a2b3c', schedule: '30 3 * * *' });
    bolt.schedule({ name: 'manual' });
    bolt.schedule({ name: 'old' }).deactivate();
    const run = await nightly.run();
    clock.advance(5 * MINUTE);
    await run.fail();
    expect(await schedules()).toEqual({
      totalCount: 2,
      schedules: [
        {
          id: 973_767,
          name: 'Nightly',
          slug: 'nightly-1a2b3c',
          lastRunAt: '2026-11-30 03:00:00.123000',
          lastRunState: 'FAILED',
          nextRunAt: '2026-11-30 03:30:00.000000',
          suspended: false,
          turboCi: null,
        },
        expect.objectContaining({ name: 'manual', slug: null, lastRunAt: null, lastRunState: null, nextRunAt: null }),
      ],
    });
    expect(await schedules({ offset: 1, limit: 1 })).toMatchObject({ totalCount: 2, schedules: [{ name: 'manual' }] });
    expect(await schedules({ showInactive: true })).toMatchObject({ schedules: [{ name: 'old' }] });
    await ask('mutation { suspendBoltSchedule(slug: "manual", suspend: true) { ok } }', {}, ACT);
    expect(await schedules({ filter: { suspended: true } })).toMatchObject({
      schedules: [{ name: 'manual', suspended: true }],
    });
    const short = 'query ($slug: String) { boltScheduleName(slug: $slug) { ok latestRunId commands schedule } }';
    expect(await ask(short, { slug: 'nightly-1a2b3c' })).toEqual({
      ok: true,
      latestRunId: Number(run.id),
      commands: ['dbt run'],
      schedule: '30 3 * * *',
    });
  });

  it('belong to a workspace with a name', async () => {
    const workspaces = [{ name: 'analytics', uid: bolt.options().workspace }];
    expect(await ask('query { listWorkspaces { workspaces { uid name } } }')).toEqual({ workspaces });
  });

  it('need a name or slug of their own', () => {
    bolt.schedule({ name: 'nightly' });
    expect(() => bolt.schedule({ name: 'nightly' })).toThrow('expected a new name or slug');
    expect(() => bolt.schedule({ name: 'other', schedule: 'every day' })).toThrow('expected a cron expression');
  });
});

describe('runs', () => {
  it('are listed for one schedule, the newest first', async () => {
    const nightly = bolt.schedule({ name: 'nightly' });
    await bolt.schedule({ name: 'other' }).run();
    const first = await (
      await nightly.run({ actor: 'Manual', actorEmail: 'kim@acme.example', branch: null })
    ).succeed();
    clock.advance(MINUTE);
    const second = nightly.queue({ pullRequestId: 7, commitHash: 'abc' });
    expect(await runsOf('nightly')).toEqual([
      {
        id: Number(second.id),
        state: 'STARTING',
        actor: 'Scheduler',
        actorEmail: null,
        startDttm: null,
        endDttm: null,
        parentScheduleRunId: null,
        gitInfo: { branch: 'main', commitHash: 'abc', pullRequestId: 7 },
      },
      {
        id: Number(first.id),
        state: 'SUCCESS',
        actor: 'Manual',
        actorEmail: 'kim@acme.example',
        startDttm: '2026-11-30 03:00:00.123000',
        endDttm: '2026-11-30 03:00:00.123000',
        parentScheduleRunId: null,
        gitInfo: { branch: null, commitHash: expect.any(String), pullRequestId: null },
      },
    ]);
    expect((await runsOf('nightly', { offset: 1, limit: 1 })).map(({ id }) => String(id))).toEqual([first.id]);
  });

  it('have commands that are null while they run, and end at the one that failed', async () => {
    const run = await bolt.schedule({ name: 'nightly', commands: ['dbt seed', 'dbt run', 'dbt test'] }).run();
    const nothing = { startDttm: null, endDttm: null, stdout: null, stderr: null, returnCode: null };
    expect(await ask(STATUS, { runId: Number(run.id) })).toEqual({
      state: 'RUNNING',
      commands: [{ id: 193_439, command: 'git clone ...', ...nothing }],
    });
    await run.fail({ command: 'dbt run', stdout: 'a\nb\n', stderr: 'c\n' });
    const { state, commands } = (await ask(STATUS, { runId: Number(run.id) })) as {
      state: string;
      commands: { id: number }[];
    };
    expect(state).toBe('FAILED');
    expect(commands).toMatchObject([
      { id: 193_439, command: 'git clone ...', returnCode: 0 },
      { command: 'dbt deps', returnCode: 0 },
      { command: 'dbt seed', returnCode: 0, stdout: 'dbt seed\n' },
      { command: 'dbt run', returnCode: 1, stdout: 'a\nb\n', endDttm: '2026-11-30 03:00:00.123000' },
    ]);
    const logs =
      'query ($id: Int!, $cursor: String) { boltCommandLogs(commandId: $id, cursor: $cursor) { lines { stream line } cursor finished } }';
    expect(await ask(logs, { id: commands.at(-1)?.id, cursor: '0:0' })).toEqual({
      lines: [
        { stream: 'STDOUT', line: 'a' },
        { stream: 'STDOUT', line: 'b' },
        { stream: 'STDERR', line: 'c' },
      ],
      cursor: '3:0',
      finished: true,
    });
  });

  it('can be retries of others', async () => {
    const nightly = bolt.schedule({ name: 'nightly' });
    const first = await (await nightly.run()).fail();
    await nightly.run({ retryOf: first.id });
    expect((await runsOf('nightly'))[0]).toMatchObject({ parentScheduleRunId: Number(first.id) });
    await expect(nightly.run({ retryOf: '1' })).rejects.toThrow('run({ retryOf }): expected the id of a run, got "1"');
  });

  it('are null if they are unknown', async () => {
    expect(await ask(STATUS, { runId: 1 })).toBeNull();
  });

  it.each(['error', 'cancel', 'skip'] as const)('can end by %s', async (way) => {
    const schedule = bolt.schedule({ name: 'nightly' });
    await (way === 'skip' ? schedule.queue().skip() : (await schedule.run())[way]());
    const state = { error: 'ERROR', cancel: 'CANCELED', skip: 'SKIPPED' }[way];
    expect(await runsOf('nightly')).toMatchObject([{ state, endDttm: expect.any(String) }]);
  });

  it('can end without an end', async () => {
    await (await bolt.schedule({ name: 'nightly' }).run()).cancel({ withoutEnd: true });
    expect(await runsOf('nightly')).toMatchObject([{ state: 'CANCELED', endDttm: null }]);
  });

  it('cannot end before they start, or by a command that they do not have', async () => {
    const run = bolt.schedule({ name: 'nightly' }).queue();
    await expect(run.succeed()).rejects.toThrow('expected the state RUNNING, got STARTING');
    await run.start();
    await expect(run.fail({ command: 'dbt x' })).rejects.toThrow('expected one of dbt run');
  });
});

describe('files', () => {
  const commandOf = async (runId: string) => {
    const { commands } = (await ask(STATUS, { runId: Number(runId) })) as { commands: { id: number }[] };
    return (await ask(COMMAND, { id: commands.at(-1)?.id })) as { resources: { id: number; path: string }[] };
  };

  it('belong to the command that failed, behind presigned URLs', async () => {
    const run = await bolt.schedule({ name: 'nightly' }).run();
    await run.fail({ results: { results: [] }, artifacts: { 'target/manifest.json': '{"a":' } });
    const command = await commandOf(run.id);
    expect(command).toMatchObject({ command: 'dbt run', returnCode: 1, scheduleRunId: Number(run.id) });
    expect(command.resources.map(({ path }) => path)).toEqual(['target/manifest.json', 'target/run_results.json']);
    const { ok, url } = (await ask(URL_OF, { id: command.resources[1]?.id })) as { ok: boolean; url: string };
    expect(ok).toBe(true);
    expect(await (await fetch(url)).text()).toBe('{"results":[]}');
    expect((await fetch(url, { headers: READ })).status).toBe(400);
    expect((await fetch(url.replace('Signature=', 'Signature=0'))).status).toBe(403);
    clock.advance(61 * MINUTE);
    expect((await fetch(url)).status).toBe(403);
  });

  it('belong to each command, even if their paths are the same', async () => {
    const run = await bolt.schedule({ name: 'nightly', commands: ['dbt seed', 'dbt run', 'dbt test'] }).run();
    const path = 'target/run_results.json';
    await run.fail({
      command: 'dbt run',
      continueOnError: true,
      results: { of: 'run' },
      files: { 'dbt seed': { [path]: { of: 'seed' } }, 'dbt run': { 'target/manifest.json': 'not JSON' } },
    });
    const { commands } = (await ask(STATUS, { runId: Number(run.id) })) as {
      commands: { id: number; command: string; returnCode: number }[];
    };
    expect(commands.map(({ command, returnCode }) => [command, returnCode])).toEqual([
      ['git clone ...', 0],
      ['dbt deps', 0],
      ['dbt seed', 0],
      ['dbt run', 1],
      ['dbt test', 0],
    ]);
    const contents: unknown[] = [];
    for (const { id } of commands) {
      const { resources } = (await ask(COMMAND, { id })) as { resources: { id: number; path: string }[] };
      for (const resource of resources) {
        const { url } = (await ask(URL_OF, { id: resource.id })) as { url: string };
        contents.push([resource.path, await (await fetch(url)).text()]);
      }
    }
    expect(contents).toEqual([
      [path, '{"of":"seed"}'],
      ['target/manifest.json', 'not JSON'],
      [path, '{"of":"run"}'],
    ]);
  });

  it('are listed without a URL if they are lost', async () => {
    const run = await (await bolt.schedule({ name: 'nightly' }).run()).fail({ results: null });
    const { resources } = await commandOf(run.id);
    expect(resources).toMatchObject([{ path: 'target/run_results.json' }]);
    expect(await ask(URL_OF, { id: resources[0]?.id })).toEqual({ ok: false, url: null });
  });

  it('cannot be those of a command that the run does not have', async () => {
    const run = await bolt.schedule({ name: 'nightly' }).run();
    await expect(run.succeed({ files: { 'dbt test': {} } })).rejects.toThrow(
      'files: expected commands of git clone ..., dbt deps, dbt run, got "dbt test"',
    );
  });

  it('have no URL until they are ready, or if they do not exist', async () => {
    bolt.faults.delayArtifacts(MINUTE);
    const run = await (await bolt.schedule({ name: 'nightly' }).run()).fail({ results: {} });
    const { resources } = await commandOf(run.id);
    const variables = { id: resources[0]?.id };
    expect(await ask(URL_OF, variables)).toEqual({ ok: false, url: null });
    clock.advance(MINUTE);
    expect(await ask(URL_OF, variables)).toMatchObject({ ok: true });
    expect(await ask(URL_OF, { id: 1 })).toEqual({ ok: false, url: null });
  });
});

describe('actions', () => {
  it('trigger, cancel and retry runs for a credential with the right', async () => {
    const schedule = bolt.schedule({ name: 'nightly' });
    const trigger =
      'mutation ($slug: String, $reason: String, $commands: [String!]) { triggerBoltRun(slug: $slug, reason: $reason, commands: $commands) { runId } }';
    const variables = { slug: 'nightly', reason: 'runhooks:1', commands: ['dbt test'] };
    await expect(ask(trigger, variables)).rejects.toThrow('permission');
    const { runId } = (await ask(trigger, variables, ACT)) as { runId: number };
    expect(bolt.runs).toMatchObject([{ id: String(runId), reason: 'runhooks:1', state: 'STARTING' }]);
    await expect(ask(trigger, variables, ACT)).rejects.toThrow('AlreadyRunningException');
    const cancel = 'mutation ($runId: Int!) { cancelBoltRun(scheduleRunId: $runId) { ok } }';
    expect(await ask(cancel, { runId }, ACT)).toEqual({ ok: true });
    expect(await ask(cancel, { runId }, ACT)).toEqual({ ok: false });
    const failed = await (await schedule.run()).fail();
    const retry = 'mutation ($id: Int!) { retryBoltRun(scheduleRunId: $id) { runId } }';
    const retried = (await ask(retry, { id: Number(failed.id) }, ACT)) as { runId: number };
    expect((await runsOf('nightly'))[0]).toMatchObject({ id: retried.runId, parentScheduleRunId: Number(failed.id) });
    expect(bolt.runs.at(-1)).toMatchObject({ retryOf: failed.id, commands: ['dbt retry'] });
    await expect(ask(retry, { id: retried.runId }, ACT)).rejects.toThrow('Only a failed run');
    const latest = 'mutation { retryBoltRunFromFailure(slug: "nightly") { runId } }';
    expect(await ask(latest, {}, ACT)).toEqual({ runId: expect.any(Number) });
  });
});

describe('a retry', () => {
  const retry = (name: string, id: string) =>
    ask(`mutation ($id: Int!) { ${name}(scheduleRunId: $id) { runId } }`, { id: Number(id) }, ACT);

  it('resumes at the first command that failed, which becomes dbt retry, on the same branch', async () => {
    const schedule = bolt.schedule({ name: 'nightly', commands: ['dbt seed', 'dbt run', 'python check.py'] });
    const failed = await (await schedule.run({ branch: 'feature' })).fail({ command: 'dbt run' });
    await retry('retryBoltRun', failed.id);
    const resumed = bolt.runs.at(-1)!;
    expect(resumed).toMatchObject({
      commands: ['dbt retry', 'python check.py'],
      branch: 'feature',
      retryOf: failed.id,
    });
    await (await resumed.start()).fail();
    await retry('retryBoltRun', resumed.id);
    expect(bolt.runs.at(-1)).toMatchObject({ commands: ['python check.py'], retryOf: resumed.id });
    await retry('retryAllBoltRun', failed.id);
    expect(bolt.runs.at(-1)).toMatchObject({ commands: ['dbt seed', 'dbt run', 'python check.py'] });
  });

  it('runs no commands of Bolt, and all of its own if none ended', async () => {
    const canceled = await (await bolt.schedule({ name: 'nightly' }).run()).cancel();
    await retry('retryBoltRun', canceled.id);
    const run = await (await bolt.runs.at(-1)!.start()).succeed();
    const { commands } = (await ask(STATUS, { runId: Number(run.id) })) as { commands: { command: string }[] };
    expect(commands.map(({ command }) => command)).toEqual(['dbt run']);
  });
});

describe('refusals', () => {
  it.each([
    ['query { listRuns { id } }', {}, 'Cannot query field "listRuns" on type "Query"'],
    [
      'mutation { listBoltSchedules(offset: 0, limit: 1, showInactive: false) { totalCount } }',
      {},
      'on type "Mutation"',
    ],
    ['query { boltRunStatus(runId: 1) { status } }', {}, 'Cannot query field "status" on type "BoltRunStatus"'],
    ['query { boltRunStatus(runId: 1) { state { x } } }', {}, 'must not have a selection'],
    ['query { boltRunStatus(runId: 1) }', {}, 'must have a selection of subfields'],
    ['query { boltRunStatus(id: 1) { state } }', {}, 'Unknown argument "id"'],
    ['query { boltRunStatus(runId: 1) { state(as: "x") } }', {}, 'Unknown argument on field "state"'],
    ['query { boltRunStatus { state } }', {}, 'of required type "Int!" was not provided'],
    ['query { boltRunStatus(runId: "1") { state } }', {}, 'expected type "Int!"'],
    [STATUS, {}, 'Variable "$runId" of required type "Int!" was not provided'],
    [STATUS, { runId: '1' }, 'Variable "$runId" got an invalid value'],
    [STATUS, { runId: 2 ** 31 }, 'Variable "$runId" got an invalid value'],
    [
      'query ($id: String!) { boltRunStatus(runId: $id) { state } }',
      { id: '1' },
      'used in position expecting type "Int!"',
    ],
    ['query { boltRunStatus(runId: $id) { state } }', {}, 'Variable "$id" is not defined'],
    ['query { boltRunStatus(runId: 1) { state }', {}, 'Syntax Error: Unexpected <EOF>'],
    ['query { s: boltRunStatus(runId: 1) { state } }', {}, 'Syntax Error: Unexpected ":"'],
    [RUNS, { slug: 'nowhere', offset: 0, limit: 1 }, 'Schedule not found'],
    [RUNS, { offset: 0, limit: 1 }, 'Exactly one of slug and scheduleName'],
    [RUNS, { slug: 'nightly', offset: 0, limit: 1_001 }, 'limit must be between 1 and 1000'],
    [RUNS, { slug: 'nightly', offset: 0, limit: 0 }, 'limit must be between 1 and 1000'],
    [RUNS, { slug: 'nightly', offset: -1, limit: 1 }, 'offset must not be negative'],
    [SCHEDULES, { offset: 0, limit: 101, showInactive: false }, 'limit must be between 1 and 100'],
    [undefined, {}, 'Must provide query string'],
  ])('responds with an error to %s with %j', async (query, variables, message) => {
    bolt.schedule({ name: 'nightly' });
    const response = await post(query, variables);
    expect([response.status, await response.json()]).toEqual([
      200,
      { data: null, errors: [{ message: expect.stringContaining(message) }] },
    ]);
  });

  it('refuses other paths, methods and content types', async () => {
    const { endpoint } = bolt.options();
    const init = { method: 'POST', headers: { ...READ, 'content-type': 'application/json' }, body: '{}' };
    expect((await fetch(`${endpoint}/`, init)).status).toBe(404);
    expect((await fetch(endpoint, { headers: READ })).status).toBe(405);
    expect((await fetch(endpoint, { ...init, headers: READ })).status).toBe(415);
  });

  it('accepts each kind of credential only in its own headers, for its own workspace', async () => {
    await bolt.close();
    bolt = await fakeParadime({
      clock,
      workspace: { name: 'sales', uid: 'uid1' },
      credentials: { read: { token: 'prdm_cmp_x' }, act: { apiKey: 'k', apiSecret: 's' } },
    });
    const status = async (headers: Record<string, string>) => (await post(STATUS, { runId: 1 }, headers)).status;
    const key = { 'x-api-key': 'k', 'x-api-secret': 's' };
    expect(await status(key)).toBe(200);
    expect(await status({ ...key, 'x-api-secret': 'wrong' })).toBe(401);
    expect(await status({ authorization: 'Bearer k' })).toBe(401);
    expect(await status({ authorization: 'Bearer prdm_cmp_x' })).toBe(401);
    expect(await status({ authorization: 'Bearer prdm_cmp_x', 'x-paradime-workspace': 'uid1' })).toBe(200);
    expect(await status({ authorization: 'Bearer prdm_cmp_x', 'x-paradime-workspace': 'other' })).toBe(401);
    expect(bolt.options()).toEqual({
      endpoint: expect.stringMatching(/^http:\/\/127/),
      workspace: 'uid1',
      artifactHosts: ['127.0.0.1'],
      apiKey: 'k',
      apiSecret: 's',
    });
    expect(bolt.options('read')).toMatchObject({ token: 'prdm_cmp_x' });
  });

  it('keeps the names of the operations in the calls, and no token', async () => {
    await ask(STATUS, { runId: 1 });
    expect(bolt.calls).toMatchObject([
      { method: 'POST', status: 200, at: START, operations: ['boltRunStatus'], body: { variables: { runId: 1 } } },
    ]);
    expect(JSON.stringify(bolt.calls)).not.toContain('prdm_');
  });

  it('rejects unknown options', async () => {
    await expect(fakeParadime({ token: 'x' } as never)).rejects.toThrow('fakeParadime.token');
    await expect(fakeParadime({ credentials: { write: { token: 'x' } } } as never)).rejects.toThrow('credentials');
  });
});

describe('faults', () => {
  it('apply to the operations that match, and to files', async () => {
    bolt.faults.respond(503, { times: 2, body: /listBoltSchedules/ });
    expect(await ask(STATUS, { runId: 1 })).toBeNull();
    const asked = async () => (await post(SCHEDULES, { offset: 0, limit: 1, showInactive: false })).status;
    expect([await asked(), await asked(), await asked()]).toEqual([503, 503, 200]);
    bolt.faults.rateLimit({ cooldownMs: MINUTE, retryAfter: true });
    const limited = await post(STATUS, { runId: 1 });
    expect([limited.status, limited.headers.get('retry-after')]).toEqual([429, '60']);
    clock.advance(MINUTE);
    expect((await post(STATUS, { runId: 1 })).status).toBe(200);
  });

  it('lag lists by 90 s, but not the status of one run', async () => {
    bolt.faults.lagLists();
    const run = await bolt.schedule({ name: 'nightly' }).run();
    clock.advance(MINUTE);
    await run.succeed();
    expect(await runsOf('nightly')).toEqual([]);
    expect(await schedules()).toMatchObject({ schedules: [{ lastRunAt: null }] });
    clock.advance(MINUTE);
    expect(await runsOf('nightly')).toMatchObject([{ state: 'RUNNING', endDttm: null }]);
    expect(await schedules()).toMatchObject({ schedules: [{ lastRunState: 'RUNNING' }] });
    expect(await ask(STATUS, { runId: Number(run.id) })).toMatchObject({ state: 'SUCCESS' });
  });

  it('change fields at every call', async () => {
    await bolt.schedule({ name: 'nightly' }).run();
    expect(await runsOf('nightly')).toEqual(await runsOf('nightly'));
    bolt.faults.changeFields();
    expect(await runsOf('nightly')).not.toEqual(await runsOf('nightly'));
  });
});
