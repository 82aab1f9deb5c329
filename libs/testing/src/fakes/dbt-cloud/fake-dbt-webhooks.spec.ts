import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { signHmacHex, TEST_SECRETS } from 'nestjs-runhooks/core';
import { webhookReceiver, type WebhookReceiver } from '../../../../../test/fakes/webhook-receiver.js';
import { ManualClock } from '../../manual-clock.js';
import { fakeDbtCloud, type FakeDbtCloud } from './fake-dbt-cloud.js';

const START = new Date('2026-11-30T03:00:00.000Z');
const MINUTE = 60_000;

let clock: ManualClock;
let dbt: FakeDbtCloud;
let receiver: WebhookReceiver;

beforeEach(async () => {
  clock = new ManualClock(START);
  receiver = await webhookReceiver();
  dbt = await fakeDbtCloud({ clock });
});

afterEach(async () => {
  await dbt.close();
  await receiver.close();
});

interface Body {
  readonly eventId: string;
  readonly eventType: string;
  readonly data: { readonly runId: string; readonly runStatusCode: number };
}

const bodies = () => receiver.received.map(({ body }) => JSON.parse(body) as Body);
const heard = () => bodies().map(({ eventType, data }) => `${eventType.slice('job.run.'.length)} ${data.runId}`);

describe('webhooks', () => {
  it('have the signature and the body of dbt Cloud', async () => {
    const subscription = dbt.subscribe({ url: receiver.url, name: 'On call' });
    const job = dbt.job({ id: '5', name: 'nightly', project: 'sales', environment: 'Prod' });
    const run = await job.run({ id: '42', cause: 'Kicked off from UI by kim@acme.example' });
    clock.advance(MINUTE);
    await run.fail({ message: 'dbt command failed' });
    for (const { headers, body } of receiver.received) {
      expect(headers['authorization']).toBe(signHmacHex(TEST_SECRETS.dbtCloud, body));
    }
    const data = {
      jobId: '5',
      jobName: 'nightly',
      runId: '42',
      environmentId: expect.stringMatching(/^\d+$/),
      environmentName: 'Prod',
      dbtVersion: 'latest',
      projectName: 'sales',
      projectId: expect.stringMatching(/^\d+$/),
      runReason: 'Kicked off from UI by kim@acme.example',
      runStartedAt: '2026-11-30T03:00:00Z',
    };
    const envelope = { accountId: 43786, webhookId: subscription.id, webhookName: 'On call' };
    const ids = {
      eventId: expect.stringMatching(/^wev_\w{27}$/),
      timestamp: expect.stringMatching(/^2026-11-30T03:0/),
    };
    const started = { runStatus: 'Running', runStatusCode: 3, runStatusMessage: 'None' };
    const failed = { runStatus: 'Errored', runStatusCode: 20, runStatusMessage: 'dbt command failed' };
    expect(bodies()).toEqual([
      { ...envelope, ...ids, eventType: 'job.run.started', data: { ...data, ...started } },
      {
        ...envelope,
        ...ids,
        eventType: 'job.run.errored',
        data: { ...data, ...failed, runErroredAt: '2026-11-30T03:01:00Z' },
      },
      {
        ...envelope,
        ...ids,
        eventType: 'job.run.completed',
        data: { ...data, ...failed, runFinishedAt: '2026-11-30T03:01:00Z' },
      },
    ]);
    expect(new Set(bodies().map(({ eventId }) => eventId)).size).toBe(3);
  });

  it('have the cause of a run that was triggered through the API as its reason', async () => {
    dbt.subscribe({ url: receiver.url });
    const { id } = dbt.job({ name: 'triggered' });
    const { baseUrl, accountId, actToken } = dbt.options();
    await fetch(`${baseUrl}/api/v2/accounts/${accountId}/jobs/${id}/run/`, {
      method: 'POST',
      headers: { authorization: `Token ${actToken}` },
      body: JSON.stringify({ cause: 'runhooks:0123456789abcdef orders are late' }),
    });
    await dbt.runs.at(-1)?.start();
    expect(bodies()).toMatchObject([{ data: { runReason: 'runhooks:0123456789abcdef orders are late' } }]);
  });

  it('announce no queued and no cancelled run', async () => {
    dbt.subscribe({ url: receiver.url });
    const job = dbt.job({ name: 'nightly' });
    await job.queue().cancel();
    const run = await (await job.run()).cancel();
    expect(heard()).toEqual([`started ${run.id}`]);
  });

  it('go to subscriptions of the job and the type only, with the secret of each', async () => {
    const [one, other] = [dbt.job({ name: 'nightly' }), dbt.job({ name: 'hourly' })];
    dbt.subscribe({ url: receiver.url, jobs: [one], types: ['job.run.completed'], secret: 'a-secret-of-one' });
    await (await other.run()).succeed();
    const run = await (await one.run()).succeed();
    expect(heard()).toEqual([`completed ${run.id}`]);
    const [{ headers, body } = { headers: {}, body: '' }] = receiver.received;
    expect(headers['authorization']).toBe(signHmacHex('a-secret-of-one', body));
  });

  it('announce the completion when the artifacts are ready', async () => {
    dbt.subscribe({ url: receiver.url, types: ['job.run.errored', 'job.run.completed'] });
    dbt.faults.delayArtifacts(MINUTE);
    const run = await (await dbt.job({ name: 'nightly' }).run()).fail();
    await dbt.sendDue();
    expect(heard()).toEqual([`errored ${run.id}`]);
    clock.advance(MINUTE);
    await dbt.sendDue();
    await dbt.sendDue();
    expect(heard()).toEqual([`errored ${run.id}`, `completed ${run.id}`]);
  });

  it('are retried with the same bytes, as often as dbt documents', async () => {
    dbt.subscribe({ url: receiver.url, types: ['job.run.started'] });
    receiver.status = 503;
    await dbt.job({ name: 'nightly' }).run();
    await dbt.sendDue();
    expect(receiver.received).toHaveLength(1);
    for (let index = 0; index < 6; index += 1) {
      clock.advance(60 * MINUTE);
      await dbt.sendDue();
    }
    expect(receiver.received).toHaveLength(5);
    expect(new Set(receiver.received.map(({ body }) => body)).size).toBe(1);
    expect(dbt.webhooks).toMatchObject([{ type: 'job.run.started', state: 'failed' }]);
    expect(dbt.webhooks[0]?.attempts.map(({ status }) => status)).toEqual([503, 503, 503, 503, 503]);
  });

  it('wait for an app that is down', async () => {
    dbt.subscribe({ url: 'http://127.0.0.1:9/webhooks' });
    const run = await dbt.job({ name: 'nightly' }).run();
    expect(dbt.webhooks).toMatchObject([{ runId: run.id, state: 'waiting', attempts: [{ status: 0 }] }]);
  });
});

describe('faults of webhooks', () => {
  it('loses, repeats and delays them', async () => {
    dbt.subscribe({ url: receiver.url, types: ['job.run.started'] });
    const job = dbt.job({ name: 'nightly' });
    dbt.faults.loseWebhooks();
    dbt.faults.repeatWebhooks();
    dbt.faults.delayWebhooks(MINUTE);
    const [lost, twice, late, normal] = [await job.run(), await job.run(), await job.run(), await job.run()];
    expect(heard()).toEqual([twice, twice, normal].map(({ id }) => `started ${id}`));
    expect(new Set(bodies().map(({ eventId }) => eventId)).size).toBe(2);
    clock.advance(MINUTE);
    await dbt.sendDue();
    expect(heard().at(-1)).toBe(`started ${late.id}`);
    expect(dbt.webhooks.map(({ runId, state }) => [runId, state])).toEqual([
      [lost.id, 'lost'],
      [twice.id, 'delivered'],
      [late.id, 'delivered'],
      [normal.id, 'delivered'],
    ]);
  });

  it('reverses their order', async () => {
    dbt.subscribe({ url: receiver.url });
    dbt.faults.reorderWebhooks(3);
    const run = await dbt.job({ name: 'nightly' }).run();
    expect(heard()).toEqual([]);
    await run.fail();
    expect(heard()).toEqual([`completed ${run.id}`, `errored ${run.id}`, `started ${run.id}`]);
  });

  it('sends an incomplete group when it is asked to', async () => {
    dbt.subscribe({ url: receiver.url });
    dbt.faults.reorderWebhooks();
    const run = await dbt.job({ name: 'nightly' }).run();
    await dbt.sendDue();
    expect(heard()).toEqual([`started ${run.id}`]);
  });

  it('sends nothing of what happened while the subscription was off', async () => {
    const subscription = dbt.subscribe({ url: receiver.url });
    const job = dbt.job({ name: 'nightly' });
    subscription.deactivate();
    const run = await job.run();
    subscription.activate();
    await dbt.sendDue();
    await run.succeed();
    expect(heard()).toEqual([`completed ${run.id}`]);
  });

  it('ends the retries of a subscription that was switched off', async () => {
    const subscription = dbt.subscribe({ url: receiver.url });
    receiver.status = 500;
    await dbt.job({ name: 'nightly' }).run();
    subscription.deactivate();
    clock.advance(60 * MINUTE);
    await dbt.sendDue();
    expect(receiver.received).toHaveLength(1);
    expect(dbt.webhooks).toMatchObject([{ state: 'failed' }]);
  });

  it('deactivates the subscription after 1,000 failures in a row', async () => {
    const subscription = dbt.subscribe({ url: 'http://127.0.0.1:9/webhooks', types: ['job.run.started'] });
    const job = dbt.job({ name: 'nightly' });
    for (let index = 0; index < 999; index += 1) await job.run();
    expect(subscription.isActive).toBe(true);
    await job.run();
    expect(subscription.isActive).toBe(false);
    await job.run();
    expect(dbt.webhooks).toHaveLength(1_000);
  });

  it('deactivates the subscription after seven days of failures only', async () => {
    const subscription = dbt.subscribe({ url: receiver.url, types: ['job.run.started'] });
    receiver.status = 500;
    const job = dbt.job({ name: 'nightly' });
    for (let day = 0; day < 7; day += 1) {
      await job.run();
      clock.advance(24 * 60 * MINUTE);
    }
    expect(subscription.isActive).toBe(true);
    await job.run();
    expect(subscription.isActive).toBe(false);
  });
});

describe('the webhooks API', () => {
  async function call(path: string, method = 'GET', body?: object) {
    const { baseUrl, webhooksToken } = dbt.options();
    const response = await fetch(`${baseUrl}/api/v3/accounts/43786/webhooks/${path}`, {
      method,
      headers: { authorization: `Bearer ${webhooksToken}` },
      ...(body && { body: JSON.stringify(body) }),
    });
    return { code: response.status, ...((await response.json()) as { data: Record<string, unknown> }) };
  }

  const fields = { name: 'new', event_types: ['job.run.started'], active: true, job_ids: [5] };

  it('creates a subscription, whose secret it shows once, and replaces and deletes it', async () => {
    const created = await call('subscriptions', 'POST', { ...fields, client_url: receiver.url });
    const { id, hmac_secret: secret } = created.data as { id: string; hmac_secret: string };
    expect(created).toMatchObject({
      code: 201,
      data: { active: true, job_ids: [5], http_status_code: '0', account_id: '43786' },
    });
    const run = await dbt.job({ id: '5', name: 'nightly' }).run();
    expect(heard()).toEqual([`started ${run.id}`]);
    expect(receiver.received[0]?.headers['authorization']).toBe(signHmacHex(secret, receiver.received[0]?.body ?? ''));
    const shown = await call(`subscription/${id}`);
    expect(shown.data).toMatchObject({ id, http_status_code: '200', dispatched_at: '1796007600000000' });
    expect(shown.data).not.toHaveProperty('hmac_secret');
    expect(await call(`subscription/${id}`, 'PUT', { active: true })).toMatchObject({ code: 400 });
    const off = { ...fields, client_url: receiver.url, active: false };
    expect((await call(`subscription/${id}`, 'PUT', off)).data).toMatchObject({ active: false });
    const moved = { ...off, client_url: `${receiver.url}/2` };
    expect((await call(`subscription/${id}`, 'PUT', moved)).data).toMatchObject({
      active: true,
      client_url: `${receiver.url}/2`,
    });
    expect(await call(`subscription/${id}`, 'DELETE')).toMatchObject({ code: 200, data: { id } });
    expect(await call(`subscription/${id}`)).toMatchObject({ code: 404 });
    expect(await call('subscriptions?limit=10')).toMatchObject({ data: [], extra: { pagination: { total_count: 0 } } });
  });

  it.each([
    [{ description: '' }],
    [{ event_types: [] }],
    [{ event_types: ['job.run.canceled'] }],
    [{ active: undefined }],
    [{ job_ids: ['5'] }],
    [{ client_url: 'here' }],
  ])('refuses the fields %j', async (changes) => {
    const refused = await call('subscriptions', 'POST', { ...fields, client_url: receiver.url, ...changes });
    expect(refused).toMatchObject({ code: 400, data: null });
  });

  it('keeps the events of a subscription with the receipt of each attempt', async () => {
    const { id } = dbt.subscribe({ url: receiver.url, types: ['job.run.started'] });
    receiver.status = 500;
    const run = await dbt.job({ name: 'nightly' }).run();
    const events = (await call(`subscription/${id}/events`)).data as unknown as { id: string }[];
    expect(events).toMatchObject([
      { subscription_id: id, job_id: run.jobId, trigger_event_type: 'job.run.started', http_status_code: '500' },
    ]);
    const receipts = (await call(`subscription/${id}/event/${events[0]?.id}/receipt`)).data;
    expect(receipts).toMatchObject([
      { http_status_code: '500', response_body: 'seen', request_body: receiver.received[0]?.body },
    ]);
  });

  it('sends a test webhook, whose run does not exist', async () => {
    const { id } = dbt.subscribe({ url: receiver.url });
    const { data } = await call(`subscription/${id}/test`);
    await dbt.sendDue();
    expect(bodies()).toMatchObject([{ eventId: data['event_id'], data: { runId: '12345' } }]);
  });
});
