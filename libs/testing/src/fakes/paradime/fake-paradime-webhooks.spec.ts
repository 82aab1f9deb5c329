import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { signStandardWebhooks, TEST_SECRETS } from 'nestjs-runhooks/core';
import { webhookReceiver, type WebhookReceiver } from '../../../../../test/fakes/webhook-receiver.js';
import { ManualClock } from '../../manual-clock.js';
import { fakeParadime, type FakeParadime } from './fake-paradime.js';

const START = new Date('2026-11-30T03:00:00.000Z');
const MINUTE = 60_000;

let clock: ManualClock;
let bolt: FakeParadime;
let receiver: WebhookReceiver;

beforeEach(async () => {
  clock = new ManualClock(START);
  receiver = await webhookReceiver();
  bolt = await fakeParadime({ clock });
});

afterEach(async () => {
  await bolt.close();
  await receiver.close();
});

type Body = Readonly<Record<string, unknown>> & { readonly id: number };
const bodies = () => receiver.received.map(({ body }) => JSON.parse(body) as Body);
const heard = () => bodies().map(({ id, ...body }) => `${'commands' in body ? 'completed' : 'started'} ${id}`);

describe('webhooks', () => {
  it('have the body of Paradime, which agrees with its API', async () => {
    bolt.subscribe({ url: receiver.url });
    const schedule = bolt.schedule({ name: 'Nightly', slug: 'nightly-1a2b3c', commands: ['dbt seed', 'dbt run'] });
    const run = await schedule.run({ id: '42', actor: 'Manual', actorEmail: 'kim@acme.example' });
    clock.advance(MINUTE);
    await run.fail({ command: 'dbt seed', error: 'out of memory', results: {} });
    const [started, completed] = bodies();
    const run42 = {
      api_url: bolt.options().endpoint,
      id: 42,
      environment: { actor: 'Manual', branch: 'main', commit_hash: expect.any(String), email: 'kim@acme.example' },
      schedule: { name: 'nightly-1a2b3c', slug: 'nightly-1a2b3c', display_name: 'Nightly', environment: 'production' },
      schedule_name: 'Nightly',
      start_dttm: '2026-11-30 03:00:00.000000',
      workspace: { name: 'analytics', uid: 'n0sg8br1m44k0ryj' },
    };
    expect(started).toMatchObject({ ...run42, status: 'running' });
    for (const name of ['commands', 'end_dttm', 'error_string']) expect(started).not.toHaveProperty(name);
    expect(completed).toMatchObject({
      ...run42,
      status: 'failed',
      end_dttm: '2026-11-30 03:01:00.000000',
      error_string: 'out of memory',
      commands: [
        { command: 'git clone ...', status: 'succeeded', return_code: 0, json_resources: [] },
        { command: 'dbt deps', status: 'succeeded', return_code: 0 },
        {
          command: 'dbt seed',
          status: 'failed',
          return_code: 1,
          api_query: expect.stringContaining('boltCommand(commandId: '),
          json_resources: [
            { path: 'target/run_results.json', resource_query: expect.stringContaining('boltResourceUrl') },
          ],
        },
      ],
    });
  });

  it('are signed anew at each attempt, under one id', async () => {
    bolt.subscribe({ url: receiver.url, types: ['bolt.run.started'], family: 'svix' });
    receiver.status = 500;
    await bolt.schedule({ name: 'nightly' }).run();
    clock.advance(5_000);
    receiver.status = 204;
    await bolt.sendDue();
    const [first, second] = receiver.received;
    expect(second?.headers['svix-id']).toBe(first?.headers['svix-id']);
    expect(second?.body).toBe(first?.body);
    for (const [index, { headers, body }] of receiver.received.entries()) {
      const timestamp = new Date(START.getTime() + index * 5_000);
      const id = String(headers['svix-id']);
      const signed = signStandardWebhooks({ secret: TEST_SECRETS.paradime, id, timestamp, body, family: 'svix' });
      expect(headers).toMatchObject(signed);
    }
    expect(bolt.webhooks).toMatchObject([
      { type: 'bolt.run.started', state: 'delivered', attempts: [{ status: 500 }, { status: 204 }] },
    ]);
  });

  it('announce failed and succeeded runs only', async () => {
    bolt.subscribe({ url: receiver.url, types: ['bolt.run.completed'] });
    const schedule = bolt.schedule({ name: 'nightly' });
    await schedule.queue().skip();
    await (await schedule.run()).cancel();
    const ended = [await (await schedule.run()).succeed(), await (await schedule.run()).error()];
    expect(heard()).toEqual(ended.map(({ id }) => `completed ${id}`));
    expect(bodies().map(({ status }) => status)).toEqual(['succeeded', 'failed']);
  });

  it('are lost, repeated, delayed, reversed, and not sent while the subscription is off', async () => {
    const subscription = bolt.subscribe({ url: receiver.url });
    const schedule = bolt.schedule({ name: 'nightly' });
    bolt.faults.loseWebhooks();
    bolt.faults.repeatWebhooks();
    const lost = await schedule.run({ id: '1' });
    await lost.succeed();
    bolt.faults.reorderWebhooks();
    await (await schedule.run({ id: '2' })).succeed();
    bolt.faults.delayWebhooks(MINUTE);
    const late = await schedule.run({ id: '3' });
    subscription.deactivate();
    await late.succeed();
    subscription.activate();
    expect(heard()).toEqual(['completed 1', 'completed 1', 'completed 2', 'started 2']);
    clock.advance(MINUTE);
    await bolt.sendDue();
    expect(heard().slice(4)).toEqual(['started 3']);
    expect(bolt.webhooks.map(({ state }) => state)).toEqual([
      'lost',
      'delivered',
      'delivered',
      'delivered',
      'delivered',
    ]);
  });
});
