// The webhook that the packaging tests send, and their comparisons.
import { createHmac } from 'node:crypto';

export const SECRET = 'packaging-test-secret';
export const ENV = {
  DBT_CLOUD_WEBHOOK_SECRET: SECRET,
  PARADIME_WEBHOOK_SECRET: `whsec_${Buffer.from(SECRET).toString('base64')}`,
};
export const RUN_ID = '12345';
export const WEBHOOK = JSON.stringify({
  accountId: 1,
  eventId: 'wev_2packaging',
  timestamp: '2026-01-28T12:00:00.123456789Z',
  eventType: 'job.run.errored',
  webhookId: 'wsu_2packaging',
  webhookName: 'packaging test',
  data: {
    jobId: '123',
    jobName: 'nightly',
    runId: RUN_ID,
    environmentId: '1234',
    environmentName: 'Production',
    dbtVersion: '1.9.0',
    projectName: 'analytics',
    projectId: '67890',
    runStatus: 'Errored',
    runStatusCode: 20,
    runStatusMessage: 'dbt command failed',
    runReason: 'Kicked off by the scheduler',
    runStartedAt: '2026-01-28T11:59:00Z',
    runErroredAt: '2026-01-28T12:00:00Z',
  },
});
const { runErroredAt, ...data } = JSON.parse(WEBHOOK).data;
export const COMPLETED = JSON.stringify({
  ...JSON.parse(WEBHOOK),
  eventId: 'wev_2completed',
  eventType: 'job.run.completed',
  data: { ...data, runId: '12346', runStatus: 'Success', runStatusCode: 10, runFinishedAt: runErroredAt },
});
const signatureOf = (body) => createHmac('sha256', SECRET).update(body).digest('hex');

export function expectEqual(found, expected) {
  const [left, right] = [found, expected].map((value) => JSON.stringify(value));
  if (left !== right) throw new Error(`found ${left}, expected ${right}`);
}

export async function post(url, body, signature = signatureOf(body)) {
  const response = await fetch(`${url}/webhooks/dbt`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: signature },
    body,
  });
  return [response.status, (await response.json()).status];
}
