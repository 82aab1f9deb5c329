import { afterEach, describe, expect, it } from '@jest/globals';
import type { RunEvent } from 'nestjs-runhooks';
import type { WebhookEvent } from 'nestjs-runhooks/internal';
import { DispatchHarness, START } from '../dispatch/dispatch-harness.js';
import { ProbeProvider, SIGNATURE, type ProbeMessage } from '../dispatch/probe-provider.js';
import { FakeApi, SOURCE, sourceWith, webhook } from './fake-api.js';

const open: DispatchHarness[] = [];

afterEach(async () => {
  await Promise.all(open.splice(0).map((harness) => harness.close()));
});

const TYPES = ['run.started', 'run.succeeded', 'run.failed', 'run.canceled', 'run.completed', 'run.recovered'];
const LATER = new Date(START.getTime() + 1_000);
const BEFORE = new Date(START.getTime() - 60_000);

/** A process with one source, whose rounds a test runs one by one. */
class Sweeping {
  /** Events that the handler received, as `type run`. */
  readonly received: string[] = [];
  readonly events: WebhookEvent[] = [];

  private constructor(
    readonly harness: DispatchHarness,
    readonly api: FakeApi,
  ) {}

  /** @param aheadMs time by which the clock is ahead at the first registration */
  static async open(aheadMs = 0): Promise<Sweeping> {
    const api = new FakeApi();
    const harness = await DispatchHarness.open({ sources: [sourceWith(api)] });
    open.push(harness);
    const sweeping = new Sweeping(harness, api);
    harness.on('all', (event) => sweeping.#note(event), { types: TYPES });
    harness.clock.advance(aheadMs);
    await harness.rounds.register();
    return sweeping;
  }

  async sweep(): Promise<void> {
    await this.harness.rounds.runAll();
    await this.harness.idle();
  }

  async webhook(message: ProbeMessage): Promise<void> {
    await this.harness.receive(SOURCE, { body: webhook(message), headers: SIGNATURE });
    await this.harness.idle();
  }

  async messages() {
    return (await this.harness.inbox.messages({}, { limit: 1_000 })).items;
  }

  run(runId: string) {
    return this.harness.inbox.run({ source: SOURCE, accountId: '1', runId });
  }

  #note(event: WebhookEvent): void {
    this.events.push(event);
    this.received.push(`${event.type} ${'run' in event && event.run ? event.run.id : ''}`);
  }
}

describe('a sweep', () => {
  it('reports a run that no webhook has reported, with its origin and the run of the API', async () => {
    const { api, harness, received, events, sweep, run } = bound(await Sweeping.open());
    api.add({ id: '7', status: 'canceled', endedAt: LATER, branch: 'fix' });
    await sweep();
    expect(received).toEqual(['run.canceled 7', 'run.completed 7']);
    const [event] = events as RunEvent[];
    expect(event).toMatchObject({ origin: 'api', source: SOURCE, apiRun: { id: '7', branch: 'fix' } });
    expect(event?.payload).toEqual({ run: '7' });
    expect(await run('7')).toMatchObject({
      origin: 'api',
      outcome: 'canceled',
      facts: { trigger: { kind: 'manual', reason: 'on fix' } },
      types: ['run.canceled', 'run.completed'],
    });
    expect((await harness.inbox.counts()).foundBySweep).toEqual([{ source: SOURCE, runs: 1 }]);
    expect(harness.lines).toContain(
      'log: Sweep of source "dbt" found run 7 of "job" canceled, which no webhook has reported',
    );
  });

  it('appends at most three messages for a run that changes at every call', async () => {
    const { api, sweep, messages, received } = bound(await Sweeping.open());
    for (let round = 0; round < 60; round += 1) {
      api.add(round < 20 ? { id: '7' } : { id: '7', status: 'failed', endedAt: LATER });
      await sweep();
    }
    expect((await messages()).map(({ messageKey }) => messageKey).sort()).toEqual([
      'api:1/7:complete:failed',
      'api:1/7:ended:failed',
      'api:1/7:running',
    ]);
    expect(received).toEqual(['run.started 7', 'run.failed 7', 'run.completed 7']);
  });

  it('appends nothing for runs that webhooks have reported, and adds the facts of the API to them', async () => {
    const { api, harness, sweep, messages, run } = bound(await Sweeping.open());
    const count = 250;
    for (let id = 1; id <= count; id += 1) {
      await harness.receive(SOURCE, { body: webhook({ run: `${id}` }), headers: SIGNATURE });
      api.add({ id: `${id}`, status: 'succeeded', endedAt: LATER });
    }
    await harness.idle();
    api.instead = async ({ report }) => {
      const runs = api.reported();
      await report(runs.slice(0, 200));
      await report(runs.slice(200));
    };
    await sweep();
    const found = await messages();
    expect([found.length, found.filter(({ origin }) => origin === 'api').length]).toEqual([count, 0]);
    const stored = await run('250');
    expect(stored).toMatchObject({ outcome: 'succeeded', facts: { trigger: { reason: 'on main' } } });
    expect(stored?.origin).toBeUndefined();
    expect((await harness.inbox.counts()).foundBySweep).toEqual([]);
  });

  it('finds the end of a run whose start a webhook has reported, and counts the run once', async () => {
    const { api, harness, sweep, webhook: receive, received } = bound(await Sweeping.open());
    await receive({ run: '7', types: ['run.started'] });
    api.add({ id: '7', status: 'canceled', endedAt: LATER });
    await sweep();
    await sweep();
    expect(received).toEqual(['run.started 7', 'run.canceled 7', 'run.completed 7']);
    expect((await harness.inbox.counts()).foundBySweep).toEqual([{ source: SOURCE, runs: 1 }]);
  });

  it('creates no event twice when a webhook reports the run later', async () => {
    const { api, sweep, webhook: receive, received } = bound(await Sweeping.open());
    api.add({ id: '7', status: 'failed', endedAt: LATER });
    await sweep();
    await receive({ run: '7', types: ['run.failed'] });
    await receive({ run: '7', types: ['run.failed', 'run.completed'] });
    expect(received).toEqual(['run.failed 7', 'run.completed 7']);
  });

  it('creates no event twice when a webhook is parsed after the sweep has compared the run', async () => {
    const { api, harness, received } = bound(await Sweeping.open());
    api.add({ id: '7', status: 'failed', endedAt: LATER });
    await harness.receive(SOURCE, {
      body: webhook({ run: '7', types: ['run.failed', 'run.completed'] }),
      headers: SIGNATURE,
    });
    await harness.rounds.runAll();
    await harness.idle();
    expect(received).toEqual(['run.failed 7', 'run.completed 7']);
  });

  it('records the outcome of a run whose body could not be parsed at first, and stores it once an hour until then', async () => {
    const { api, harness, sweep, messages, received } = bound(await Sweeping.open());
    api.add({ id: '7', status: 'failed', endedAt: LATER, isBad: true });
    for (let round = 0; round < 3; round += 1) await sweep();
    expect((await messages()).map(({ state }) => state)).toEqual(['quarantined']);
    harness.clock.advance(3_600_000);
    await sweep();
    expect(await messages()).toHaveLength(2);
    api.add({ id: '7', status: 'failed', endedAt: LATER });
    await sweep();
    expect(received).toEqual(['run.failed 7', 'run.completed 7']);
  });

  it('stores a run whose body is no JSON without it, and all others', async () => {
    const { api, harness, messages, received } = bound(await Sweeping.open());
    api.add({ id: '8', status: 'failed', endedAt: LATER });
    const deep = JSON.parse(`${'['.repeat(20_000)}${']'.repeat(20_000)}`) as object;
    const phases = ['ended:failed'] as const;
    api.instead = ({ report }) => report([{ accountId: '1', runId: '7', phases, body: { deep } }, ...api.reported()]);
    await harness.rounds.runAll();
    await harness.idle();
    expect((await messages()).map(({ state }) => state).sort()).toEqual(['parsed', 'parsed', 'quarantined']);
    expect(received).toEqual(['run.failed 8', 'run.completed 8']);
  });

  it('delivers no event of its own for a message, also not to handlers of other processes', async () => {
    const { api, harness, sweep, webhook: receive } = bound(await Sweeping.open());
    const types: string[] = [];
    harness.on('messages', (event) => types.push(event.type), { messages: true });
    api.add({ id: '7', status: 'failed', endedAt: LATER });
    await sweep();
    expect(types).toEqual([]);
    await receive({ run: '8' });
    expect(types).toEqual(['message.received']);
  });

  it('hands off its runs to handlers of other processes, but no event of its own for a message', async () => {
    const { api, harness, sweep } = bound(await Sweeping.open());
    const other = await DispatchHarness.open({
      store: harness.store,
      clock: harness.clock,
      sources: [sourceWith(api)],
    });
    const types: string[] = [];
    const note = (event: WebhookEvent): void => void types.push(event.type);
    other.on('others', note, { types: TYPES });
    other.on('messages', note, { messages: true });
    await other.presence.start();
    api.add({ id: '7', status: 'failed', endedAt: LATER });
    await sweep();
    await other.idle();
    expect(types).toEqual(['run.failed', 'run.completed']);
    await other.presence.stop();
  });

  it('parses a signed webhook as a webhook, whatever it looks like', async () => {
    const { api, harness, received, messages } = bound(await Sweeping.open());
    api.add({ id: '7', status: 'failed', endedAt: LATER });
    const [report] = api.reported();
    const body = Buffer.from(JSON.stringify({ ...report?.body, phase: 'ended:failed', id: 'api:1/7:ended:failed' }));
    await harness.receive(SOURCE, { body, headers: SIGNATURE });
    await harness.idle();
    expect(received).toEqual([]);
    const found = (await messages()).map(({ origin, state, reason }) => [origin, state, reason]);
    expect(found).toEqual([['webhook', 'quarantined', 'provider "probe" returned a value that is not a ParseResult']]);
  });

  it('is parsed by workers without tokens', async () => {
    const { api, harness } = bound(await Sweeping.open());
    api.add({ id: '7', status: 'failed', endedAt: LATER });
    await harness.rounds.runAll();
    const { openApi: _, ...without } = sourceWith(api);
    const other = await DispatchHarness.open({ store: harness.store, clock: harness.clock, sources: [without] });
    open.push(other);
    const received: unknown[] = [];
    other.on('all', (event) => received.push([event.type, event.payload]), { types: TYPES });
    await other.idle();
    expect(received).toEqual([
      ['run.failed', { run: '7' }],
      ['run.completed', { run: '7' }],
    ]);
  });

  it('quarantines a message that a sweep found if the provider of the process cannot parse it', async () => {
    const { api, harness, received } = bound(await Sweeping.open());
    api.add({ id: '7', status: 'failed', endedAt: LATER });
    await harness.rounds.runAll();
    const { openApi: _, ...without } = { ...sourceWith(api), open: () => new ProbeProvider() };
    const other = await DispatchHarness.open({ store: harness.store, clock: harness.clock, sources: [without] });
    await other.idle();
    expect((await harness.inbox.messages({ state: 'quarantined' })).items.map(({ reason }) => reason)).toEqual(
      Array.from({ length: 2 }, () => expect.stringContaining('has no parseReported in this process')),
    );
    await harness.inbox.reparse({ runHandlers: true, by: 'a test' });
    await harness.idle();
    expect(received).toEqual(['run.failed 7', 'run.completed 7']);
  });
});

describe('history', () => {
  it('is recorded and delivered to no handler, and the next failure of its job is the first one', async () => {
    const { api, harness, sweep, received, events, run, messages } = bound(await Sweeping.open());
    api.add({ id: '5', status: 'succeeded', endedAt: new Date(BEFORE.getTime() - 1) });
    api.add({ id: '6', status: 'failed', endedAt: BEFORE });
    await sweep();
    expect(received).toEqual([]);
    expect((await messages()).every(({ history, state }) => history && state === 'parsed')).toBe(true);
    expect((await harness.inbox.events()).items).toEqual([]);
    expect(await run('6')).toMatchObject({ outcome: 'failed', types: [] });
    const job = await harness.inbox.job({ source: SOURCE, jobKey: 'job' });
    expect(job?.latestSuccessAt).toEqual(new Date(BEFORE.getTime() - 1));
    expect(job?.incident).toBeUndefined();
    expect((await harness.inbox.counts()).foundBySweep).toEqual([]);
    api.add({ id: '7', status: 'failed', endedAt: LATER });
    await sweep();
    await sweep();
    expect(received).toEqual(['run.failed 7', 'run.completed 7']);
    expect(events[0]).toMatchObject({ firstFailure: true, late: false });
  });

  it('keeps no webhook from its handlers that arrives later', async () => {
    const { api, sweep, received, events, webhook: receive } = bound(await Sweeping.open());
    api.add({ id: '6', status: 'failed', endedAt: BEFORE });
    await sweep();
    await receive({ run: '6', types: ['run.started'] });
    await receive({ run: '6', types: ['run.failed', 'run.completed'] });
    expect(received).toEqual(['run.started 6', 'run.failed 6', 'run.completed 6']);
    expect(events).toMatchObject([{ late: true }, { origin: 'webhook', firstFailure: true }, {}]);
    await sweep();
    expect(received).toHaveLength(3);
  });

  it('ends as soon as a clock is set back that was a day ahead at the first registration', async () => {
    const { api, harness, sweep, received } = bound(await Sweeping.open(86_400_000));
    harness.clock.advance(-86_400_000);
    harness.clock.advance(60_000);
    api.add({ id: '7', status: 'failed', endedAt: LATER });
    await sweep();
    expect(received).toEqual([]);
    harness.clock.advance(60_000);
    api.add({ id: '8', status: 'failed', endedAt: new Date(START.getTime() + 90_000) });
    await sweep();
    expect(received).toEqual(['run.failed 8', 'run.completed 8']);
  });

  it('ends the watch for a stuck run', async () => {
    const { api, harness, sweep, webhook: receive } = bound(await Sweeping.open());
    const stuck: string[] = [];
    harness.on('watchdog', ({ type }) => void stuck.push(type), { on: { stuck: { afterMs: 3_600_000 } } });
    for (const run of ['6', '7']) await receive({ run, types: ['run.started'] });
    api.add({ id: '6', status: 'failed', endedAt: BEFORE });
    await sweep();
    harness.clock.advance(7_200_000);
    await harness.idle();
    expect(stuck).toEqual(['run.stuck']);
  });

  it('ends no incident', async () => {
    const { api, harness, sweep, webhook: receive } = bound(await Sweeping.open());
    await receive({ run: '1', types: ['run.failed'] });
    api.add({ id: '2', status: 'succeeded', endedAt: BEFORE });
    await sweep();
    const job = await harness.inbox.job({ source: SOURCE, jobKey: 'job' });
    expect(job?.incident?.failures).toBe(1);
  });

  it('begins when the source was first registered, also after a restart', async () => {
    const { api, harness } = bound(await Sweeping.open());
    harness.clock.advance(86_400_000);
    const again = await DispatchHarness.open({
      store: harness.store,
      clock: harness.clock,
      sources: [sourceWith(api)],
    });
    const since: Date[] = [];
    api.instead = async (context) => void since.push(context.since);
    await again.rounds.register();
    await again.rounds.runAll();
    expect(since).toEqual([START]);
  });
});

/** Returns the parts with their methods bound, so that a test can name them alone. */
function bound(sweeping: Sweeping) {
  const { api, harness, received, events } = sweeping;
  return {
    api,
    harness,
    received,
    events,
    sweep: () => sweeping.sweep(),
    webhook: (message: ProbeMessage) => sweeping.webhook(message),
    messages: () => sweeping.messages(),
    run: (runId: string) => sweeping.run(runId),
  };
}
