import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  type ActionAnswer,
  type ActionRun,
  type ApiHost,
  isActionRefusedError,
  isPermanentError,
  isProviderApiError,
  type ProviderAction,
} from 'nestjs-runhooks/core';
import { type FakeBoltRun, type FakeParadime, fakeParadime, ManualClock } from 'nestjs-runhooks/testing';
import { checkApiOptions } from './api-options.js';
import { ParadimeApi } from './paradime-api.js';

const MARK = 'runhooks:0123456789abcdef';
const SECOND = 1_000;

let clock: ManualClock;
let bolt: FakeParadime;
/** Actions that the client asked for. */
let actions: ProviderAction[];
let api: ParadimeApi;

const host: ApiHost = {
  now: () => clock.now(),
  cooldownUntil: async () => undefined,
  coolDown: async () => undefined,
  act: (action) => {
    actions.push(action);
    return action.send(MARK);
  },
};

function apiWith(options: object, monotonicMs = () => 0): ParadimeApi {
  const access = checkApiOptions({ ...bolt.options(), ...options }, 'api');
  return new ParadimeApi(access, host, { monotonicMs, pause: async () => undefined });
}

beforeEach(async () => {
  clock = new ManualClock(new Date('2026-03-01T12:00:00Z'));
  bolt = await fakeParadime({ clock });
  actions = [];
  api = apiWith({});
});

afterEach(() => bolt.close());

async function errorOf(call: Promise<unknown>): Promise<Error & { reason?: string }> {
  return call.then(
    () => new Error('no error'),
    (error: unknown) => error as Error,
  );
}

function runOf({ id, schedule }: FakeBoltRun): ActionRun {
  return { id, account: { id: 'w1' }, job: { id: schedule, name: 'The label' } };
}

async function failedRun(name = 'nightly'): Promise<FakeBoltRun> {
  const schedule = bolt.schedule({ name, commands: ['dbt seed', 'dbt run'] });
  return (await schedule.run()).fail({ command: 'dbt run' });
}

/** Returns what the last action finds for a call at this time. */
function find(sentAt = clock.now()): Promise<readonly ActionAnswer[]> {
  return actions.at(-1)!.find(MARK, sentAt);
}

function mutations(): number {
  return bolt.calls.filter(({ operations }) => operations?.some((name) => /^(trigger|retry|cancel)/.test(name))).length;
}

/** Responds to the next mutation with errors of GraphQL, as Paradime does with the status 200. */
function refuse(body: object): void {
  bolt.faults.respond(200, {
    body: /mutation/,
    text: JSON.stringify(body),
    headers: { 'content-type': 'application/json' },
  });
}

const errors = (message: string): object => ({ data: null, errors: [{ message }] });

describe('retry', () => {
  it('starts a run that resumes at the failed command, and returns its id, account and action', async () => {
    const failed = await failedRun();
    const signal = new AbortController().signal;
    const answer = await api.retry(runOf(failed), { key: 'dlv_1', retriesMax: 2, onUnknown: 'again', signal });
    expect(bolt.runs.at(-1)).toMatchObject({ id: answer.runId, retryOf: failed.id, commands: ['dbt retry'] });
    expect(answer).toEqual({ runId: bolt.runs.at(-1)?.id, accountId: bolt.options().workspace });
    expect(actions).toEqual([
      {
        kind: 'retry',
        key: 'dlv_1',
        target: failed.id,
        accountId: 'w1',
        request: { schedule: 'nightly' },
        retriesMax: 2,
        onUnknown: 'again',
        signal,
        send: expect.any(Function),
        find: expect.any(Function),
      },
    ]);
  });

  it('leaves limits to the host, and the account to the workspace if the run has none', async () => {
    const failed = await failedRun();
    await api.retry({ id: failed.id, job: { name: 'nightly' } }, { key: 'k' });
    expect(actions[0]).toMatchObject({ accountId: bolt.options().workspace, request: { schedule: 'nightly' } });
    expect(actions[0]).not.toHaveProperty('retriesMax');
  });

  it.each([
    ['no job', { id: '1' }, 'expected the slug of the schedule as job.id, or its name as job.name, got none'],
    ['a blank name', { id: '1', job: { name: ' ' } }, 'expected the slug of the schedule'],
    ['another id', { id: '1 OR 1', job: { name: 'x' } }, 'expected an id from 1 to 2147483647'],
  ])('rejects a run with %s before anything is stored or sent', async (_what, run, message) => {
    const error = await errorOf(api.retry(run, { key: 'k' }));
    expect(error).toMatchObject({ reason: 'invalid-request', message: expect.stringContaining(message) });
    expect([actions, bolt.calls]).toEqual([[], []]);
  });

  it.each<[what: string, given: readonly unknown[], message: string]>([
    ['no run', [undefined, { key: 'k' }], 'run: expected a run with its id, such as event.run, got undefined'],
    ['an id alone', ['7', { key: 'k' }], 'run: expected a run with its id, such as event.run, got a string'],
    [
      'a number as id',
      [{ id: 7, job: { name: 'x' } }, { key: 'k' }],
      'run.id: expected the id of a run as a string, got a number',
    ],
    ['no options', [{ id: '7', job: { name: 'x' } }], 'options: expected an object with key, got undefined'],
    ['a key alone', [{ id: '7', job: { name: 'x' } }, 'k'], 'options: expected an object with key, got a string'],
    [
      'a misspelled option',
      [
        { id: '7', job: { name: 'x' } },
        { key: 'k', retryMax: 2 },
      ],
      'retryMax: unknown option',
    ],
  ])('rejects %s before anything is stored or sent, also to cancel', async (_what, given, message) => {
    const [run, options] = given as [ActionRun, { key: string }];
    for (const call of [api.retry(run, options), api.cancel(run, options)]) {
      const error = await errorOf(call);
      expect(error).toMatchObject({ reason: 'invalid-request', message: expect.stringContaining(message) });
    }
    expect([actions, bolt.calls]).toEqual([[], []]);
  });

  it('has no certain answer if Paradime answers with the retried run', async () => {
    const failed = await failedRun();
    refuse({ data: { retryBoltRun: { runId: Number(failed.id) } } });
    const error = await errorOf(api.retry(runOf(failed), { key: 'k' }));
    expect(error).toMatchObject({ reason: 'invalid-answer', message: expect.stringContaining('expected a new run') });
  });

  it('is refused for a run that did not fail, for good and with a message that says so', async () => {
    const run = await (await bolt.schedule({ name: 'nightly' }).run()).succeed();
    const error = await errorOf(api.retry(runOf(run), { key: 'k' }));
    expect([isActionRefusedError(error), isPermanentError(error)]).toEqual([true, true]);
    expect(error).toMatchObject({
      code: 'RUNHOOKS_ACTION_REFUSED',
      reason: 'not-failed',
      message:
        `Paradime: retry run ${run.id}: expected retryBoltRun, got an error: "Only a failed run can be retried.". ` +
        'Retry only runs that failed',
    });
  });

  it('finds its run by the parent, also if lists lag', async () => {
    const failed = await failedRun();
    const sentAt = clock.now();
    const { runId } = await api.retry(runOf(failed), { key: 'k' });
    bolt.faults.lagLists(90 * SECOND);
    expect(await find(sentAt)).toEqual([]);
    clock.advance(91 * SECOND);
    expect(await find(sentAt)).toEqual([{ runId, accountId: bolt.options().workspace }]);
  });

  it('finds runs that started after the call first, the earliest first, and no retries of other runs', async () => {
    const failed = await failedRun();
    const schedule = bolt.schedule({ name: 'other' });
    const other = await (await schedule.run()).fail();
    const retryBy = async (run: FakeBoltRun): Promise<FakeBoltRun> => {
      await api.retry(runOf(run), { key: 'k' });
      return (await bolt.runs.at(-1)!.start()).fail();
    };
    const early = await retryBy(failed);
    clock.advance(60 * SECOND);
    const sentAt = clock.now();
    const [first, second] = [await retryBy(failed), await retryBy(failed)];
    await retryBy(first);
    await retryBy(other);
    await api.retry(runOf(failed), { key: 'k' });
    const last = bolt.runs.at(-1)!;
    expect((await find(sentAt)).map(({ runId }) => runId)).toEqual([first.id, second.id, last.id, early.id]);
  });

  it('pages no further than to the run that it retries', async () => {
    const schedule = bolt.schedule({ name: 'nightly' });
    for (let count = 0; count < 250; count++) schedule.queue();
    const old = await (await schedule.run()).fail();
    for (let count = 0; count < 150; count++) schedule.queue();
    const { runId } = await api.retry(runOf(old), { key: 'k' });
    expect(await find()).toMatchObject([{ runId }]);
    expect(bolt.calls.filter(({ operations }) => operations?.includes('listBoltRuns'))).toHaveLength(2);
  });
});

describe('trigger', () => {
  it('starts a run of the schedule with the mark before the cause, and with all overrides', async () => {
    bolt.schedule({ name: 'Marts', slug: 'marts-1a2b3c' });
    const answer = await api.trigger('marts-1a2b3c', {
      key: 'dlv_1',
      cause: 'All sources are loaded',
      commands: ['dbt build -s marts'],
      branch: 'release',
      pullRequest: 12,
      continueOnError: true,
    });
    expect(bolt.runs).toMatchObject([
      {
        id: answer.runId,
        reason: `${MARK} All sources are loaded`,
        commands: ['dbt build -s marts'],
        branch: 'release',
      },
    ]);
    expect(bolt.calls.at(-1)?.body).toMatchObject({
      variables: {
        slug: 'marts-1a2b3c',
        reason: `${MARK} All sources are loaded`,
        commands: ['dbt build -s marts'],
        branch: 'release',
        prNumber: 12,
        continueOnError: true,
      },
    });
    expect(actions).toMatchObject([
      {
        kind: 'trigger',
        key: 'dlv_1',
        target: 'marts-1a2b3c',
        accountId: bolt.options().workspace,
        request: {
          cause: 'All sources are loaded',
          commands: ['dbt build -s marts'],
          branch: 'release',
          pullRequest: 12,
          continueOnError: true,
        },
      },
    ]);
  });

  it('sends only what is given', async () => {
    bolt.schedule({ name: 'marts' });
    await api.trigger('marts', { key: 'k', cause: 'why' });
    expect(bolt.calls.at(-1)?.body).toMatchObject({ variables: { slug: 'marts', reason: `${MARK} why` } });
    expect(bolt.calls.at(-1)?.body).not.toMatchObject({ variables: { branch: expect.anything() } });
    expect(actions[0]?.request).toEqual({ cause: 'why' });
  });

  it('cuts a long cause behind the mark', async () => {
    bolt.schedule({ name: 'marts' });
    await api.trigger('marts', { key: 'k', cause: 'x'.repeat(300) });
    expect(bolt.runs[0]?.reason).toMatch(/^runhooks:0123456789abcdef x{229}$/);
  });

  it.each([
    ['a blank slug', '', {}, 'expected the slug or the name of a schedule, got none'],
    ['a name that is a number', 7, {}, 'expected the slug or the name of a schedule'],
    [
      'no cause',
      'marts',
      { cause: undefined },
      'cause: expected a string of up to 10000 characters that is not blank, got undefined',
    ],
    ['a blank cause', 'marts', { cause: ' \n' }, 'cause: expected a string of up to'],
    [
      'no commands',
      'marts',
      { commands: [] },
      'commands: expected an array of 1 to 100 lines that are not blank, got an empty array',
    ],
    ['a blank command', 'marts', { commands: ['dbt run', ' '] }, 'commands: expected an array'],
    ['one command alone', 'marts', { commands: 'dbt run' }, 'commands: expected an array'],
    [
      'no branch',
      'marts',
      { branch: '' },
      'branch: expected one line of up to 10000 characters that is not blank, got an empty string',
    ],
    ['two lines as a branch', 'marts', { branch: 'main\nx' }, 'branch: expected one line of up to'],
    ['no number', 'marts', { pullRequest: 1.5 }, 'pullRequest: expected an integer above 0, got 1.5'],
    ['a huge number', 'marts', { pullRequest: 2_147_483_648 }, 'pullRequest: expected a smaller number'],
    ['no flag', 'marts', { continueOnError: 'yes' }, 'continueOnError: expected true or false, got another string'],
    ['an option of dbt Cloud', 'marts', { steps: ['dbt run'] }, 'steps: unknown option'],
    ['a misspelled option', 'marts', { brunch: 'main' }, 'brunch: unknown option'],
    ['no signal', 'marts', { signal: 'soon' }, 'signal: expected an AbortSignal, got another string'],
  ])('rejects %s before anything is stored or sent', async (_what, slug, options, message) => {
    const call = api.trigger(slug as string, { key: 'k', cause: 'why', ...(options as object) });
    const error = await errorOf(call);
    expect(error).toMatchObject({ reason: 'invalid-request', message: expect.stringContaining(message) });
    expect([actions, bolt.calls]).toEqual([[], []]);
  });

  it('is refused while the schedule runs, and can be called again', async () => {
    await bolt.schedule({ name: 'marts' }).run();
    const error = await errorOf(api.trigger('marts', { key: 'k', cause: 'why' }));
    expect([isActionRefusedError(error), isPermanentError(error)]).toEqual([true, false]);
    expect(error).toMatchObject({
      reason: 'busy',
      message:
        'Paradime: trigger schedule "marts": expected triggerBoltRun, got an error: "AlreadyRunningException". ' +
        'Call it again after the run of the schedule has ended',
    });
  });

  it('is not found for another schedule, with a name on one line', async () => {
    const error = await errorOf(api.trigger('no\nwhere', { key: 'k', cause: 'why' }));
    expect(error).toMatchObject({ reason: 'not-found' });
    expect(error.message).toBe(
      'Paradime: trigger schedule "no\\nwhere": expected triggerBoltRun, got an error: "Schedule not found.". ' +
        'Check the id or the slug, and that it belongs to the workspace of the token or the API key',
    );
  });
});

describe('the run of a trigger without an answer', () => {
  const found = async (sentAt?: Date) => (await find(sentAt)).map(({ runId }) => runId);

  it('is the first one that was triggered through the API since the call, whatever its reason', async () => {
    const schedule = bolt.schedule({ name: 'marts' });
    await (await schedule.run({ actor: 'API' })).succeed();
    clock.advance(11 * SECOND);
    const sentAt = clock.now();
    const failed = await (await schedule.run({ actor: 'Scheduler' })).fail();
    await (await schedule.run({ actor: 'Manual' })).succeed();
    await (await schedule.run({ actor: 'API', retryOf: failed.id })).succeed();
    await api.trigger('marts', { key: 'k', cause: 'why' });
    const first = await bolt.runs.at(-1)!.start();
    await first.succeed();
    const second = await schedule.run({ actor: 'API' });
    expect(await found(sentAt)).toEqual([first.id, second.id]);
  });

  it('can seem to have started up to 10 s before the call', async () => {
    bolt.schedule({ name: 'marts' });
    await api.trigger('marts', { key: 'k', cause: 'why' });
    const run = await bolt.runs.at(-1)!.start();
    expect(await found(new Date(clock.now().getTime() + 10 * SECOND))).toEqual([run.id]);
    expect(await found(new Date(clock.now().getTime() + 10 * SECOND + 1))).toEqual([]);
  });

  it('need not have started, unless it was skipped or canceled before', async () => {
    const schedule = bolt.schedule({ name: 'marts' });
    await api.trigger('marts', { key: 'k', cause: 'why' });
    const [waiting] = bolt.runs;
    const skipped = await schedule.queue({ actor: 'API' }).skip();
    await schedule.queue({ actor: 'API' }).cancel({ withoutEnd: true });
    expect(await found()).toEqual([waiting?.id, skipped.id]);
    clock.advance(60 * SECOND);
    expect(await found()).toEqual([waiting?.id]);
  });

  it('is on the same branch or commit, if one was set', async () => {
    const schedule = bolt.schedule({ name: 'marts' });
    const [main, release, unknown] = [
      await (await schedule.run({ actor: 'API', commitHash: 'abc123' })).succeed(),
      await (await schedule.run({ actor: 'API', branch: 'release', commitHash: 'def' })).succeed(),
      schedule.queue({ actor: 'API', branch: null, commitHash: null }),
    ];
    await (await schedule.run({ actor: 'API', branch: null, commitHash: null })).succeed();
    const sent = (branch: string) => errorOf(api.trigger('marts', { key: 'k', cause: 'why', branch }));
    await sent('release');
    expect(await found()).toEqual([release.id, unknown.id]);
    await sent('abc');
    expect(await found()).toEqual([main.id, unknown.id]);
  });

  it('is not listed yet while lists lag', async () => {
    bolt.schedule({ name: 'marts' });
    bolt.faults.lagLists(90 * SECOND);
    const { runId } = await api.trigger('marts', { key: 'k', cause: 'why' });
    const sentAt = clock.now();
    expect(await found(sentAt)).toEqual([]);
    clock.advance(90 * SECOND);
    expect(await found(sentAt)).toEqual([runId]);
  });
});

describe('cancel', () => {
  it('cancels a run', async () => {
    const run = await bolt.schedule({ name: 'nightly' }).run();
    expect(await api.cancel(runOf(run), { key: 'dlv_1:cancel' })).toEqual({
      runId: run.id,
      accountId: bolt.options().workspace,
    });
    expect(run.state).toBe('CANCELED');
    expect(actions).toMatchObject([
      { kind: 'cancel', key: 'dlv_1:cancel', target: run.id, accountId: 'w1', request: {} },
    ]);
  });

  it('is refused for a run that is over', async () => {
    const run = await (await bolt.schedule({ name: 'nightly' }).run()).succeed();
    expect(await errorOf(api.cancel({ id: run.id }, { key: 'k' }))).toMatchObject({
      reason: 'over',
      message: `Paradime: cancel run ${run.id}: expected ok, got false for a run in the state SUCCESS. Cancel only runs that have not ended`,
    });
  });

  it('is refused for another reason if Paradime does not cancel a run that goes on', async () => {
    const run = await bolt.schedule({ name: 'nightly' }).run();
    refuse({ data: { cancelBoltRun: { ok: false } } });
    expect(await errorOf(api.cancel({ id: run.id }, { key: 'k' }))).toMatchObject({
      reason: 'other',
      message: expect.stringContaining('got false for a run in the state RUNNING. Check the arguments'),
    });
  });

  it('finds a run that is over, and none that goes on, without lists', async () => {
    const run = await bolt.schedule({ name: 'nightly' }).run();
    bolt.faults.lagLists();
    refuse({ data: { cancelBoltRun: { ok: true } } });
    await api.cancel({ id: run.id }, { key: 'k' });
    expect(await find()).toEqual([]);
    await run.cancel();
    expect(await find()).toEqual([{ runId: run.id, accountId: bolt.options().workspace }]);
  });

  it('does not find a run that does not exist', async () => {
    expect(await errorOf(api.cancel({ id: '7' }, { key: 'k' }))).toMatchObject({ reason: 'not-found' });
    expect(await errorOf(find())).toMatchObject({ reason: 'not-found' });
  });
});

describe('a mutation', () => {
  const ask = (): Promise<Error & { reason?: string }> => errorOf(api.trigger('marts', { key: 'k', cause: 'why' }));

  it.each([
    ['an error without a known word', errors('The schedule is paused.'), 'other'],
    ['a busy schedule', errors('paradime.AlreadyRunningException: marts'), 'busy'],
  ])('is refused for %s', async (_what, body, reason) => {
    refuse(body);
    const error = await ask();
    expect([isActionRefusedError(error), error.reason]).toEqual([true, reason]);
  });

  it.each([
    ['a missing right', errors('You do not have permission.'), 'forbidden'],
    ['a wrong token', errors('Unauthorized'), 'unauthorized'],
    ['a failure of the server', errors('Internal server error'), 'unavailable'],
    ['a timeout within Paradime', errors('Request timed out'), 'unavailable'],
    ['an error without a message', { data: null, errors: [{}] }, 'invalid-answer'],
    ['a result that is null', { data: { triggerBoltRun: null } }, 'invalid-answer'],
    ['a result without a run', { data: { triggerBoltRun: { runId: null } } }, 'invalid-answer'],
    ['no data', {}, 'invalid-answer'],
  ])('fails for %s', async (_what, body, reason) => {
    refuse(body);
    const error = await ask();
    expect([isProviderApiError(error), error.reason]).toEqual([true, reason]);
  });

  it('has an answer if the result has a run, also beside errors', async () => {
    refuse({ ...errors('The notification could not be sent.'), data: { triggerBoltRun: { runId: 7 } } });
    expect(await api.trigger('marts', { key: 'k', cause: 'why' })).toMatchObject({ runId: '7' });
  });

  it('names the right that a token lacks', async () => {
    bolt.schedule({ name: 'marts' });
    api = apiWith(bolt.options('read'));
    expect(await ask()).toMatchObject({
      reason: 'forbidden',
      message: expect.stringMatching(/Give the token or the API key the right "Bolt schedules admin"$/),
    });
    bolt.faults.respond(403);
    expect(await ask()).toMatchObject({
      reason: 'forbidden',
      message: expect.stringContaining('"Bolt schedules admin"'),
    });
  });

  it.each([
    ['503', () => bolt.faults.respond(503), 'unavailable', 0],
    ['HTML', () => bolt.faults.html({ status: 200 }), 'invalid-answer', 0],
    ['429', () => bolt.faults.rateLimit(), 'rate-limited', 0],
    ['a cut answer', () => bolt.faults.cut(), 'invalid-answer', 1],
  ])('is not repeated after %s', async (_what, fail, reason, started) => {
    bolt.schedule({ name: 'marts' });
    fail();
    const error = await ask();
    expect(error).toMatchObject({ reason });
    expect(bolt.calls).toHaveLength(1);
    expect(bolt.runs).toHaveLength(started);
  });

  it('shows no token, no address and no URL of a message', async () => {
    const { token } = bolt.options() as { token?: string };
    refuse(errors(`no schedule for ${token}\nhttps://s3.example/x?sig=1`));
    const error = await ask();
    expect(error.message).toContain('"no schedule for [secret]\\n[URL]"');
    bolt.faults.respond(500, { text: String(token) });
    for (const each of [error, await ask()]) expect(`${each.stack}`).not.toMatch(/prdm_|127\.0\.0\.1|s3\.example/);
  });

  it('is not sent if it waits for its turn longer than its lease allows', async () => {
    bolt.schedule({ name: 'marts' });
    let nowMs = 0;
    api = apiWith({ concurrency: 1 }, () => nowMs);
    const before = api.run('7').catch((error: unknown) => error);
    const late = ask();
    nowMs = 30_001;
    expect(await late).toMatchObject({
      reason: 'rate-limited',
      message:
        'Paradime: trigger schedule "marts": not sent, because it waited 30 s for its turn among the calls of this process. ' +
        'Try again later, or raise api.concurrency or api.callsPerSecond',
    });
    expect(await before).toMatchObject({ reason: 'not-found' });
    expect([mutations(), bolt.runs]).toEqual([0, []]);
  });

  it('rejects with the reason of its signal', async () => {
    const signal = AbortSignal.abort(new Error('The process stops.'));
    const error = await errorOf(api.trigger('marts', { key: 'k', cause: 'why', signal }));
    expect([error.message, bolt.calls]).toEqual(['The process stops.', []]);
  });
});

describe('the answer of an action', () => {
  const { fetch } = globalThis;
  afterEach(() => void (globalThis.fetch = fetch));

  it('has the page of the run if the address of the API shows it, and no account without a workspace', async () => {
    globalThis.fetch = async () => Response.json({ data: { cancelBoltRun: { ok: true } } });
    api = apiWith({ endpoint: 'https://api.demo.paradime.io/api/v1/x/graphql', workspace: undefined });
    expect(await api.cancel({ id: '7' }, { key: 'k' })).toEqual({
      runId: '7',
      url: 'https://app.demo.paradime.io/bolt/run_id/7',
    });
    expect(actions[0]).not.toHaveProperty('accountId');
  });
});
