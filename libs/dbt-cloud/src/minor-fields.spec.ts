import { readdirSync, readFileSync } from 'node:fs';
import { itIgnoresMinorFields, type Json, type Sample } from '../../../test/providers/minor-fields.js';
import { isBlank } from './blank.js';
import { dbtCloud } from './source.js';

const fixtures = new URL('../../../test/fixtures/dbt-cloud/', import.meta.url);

const DECIDING = String.raw`accountId|account_id|eventType|event_type|data|data\.(?:jobId|job_id|runId|run_id)`;

/** All samples except the lifecycle event of 2021, which is not parsed. */
const SAMPLES = readdirSync(fixtures)
  .filter((name) => !name.startsWith('01-'))
  .map((name) => sampleOf(JSON.parse(readFileSync(new URL(name, fixtures), 'utf8')) as Json & { data: Json }));

/** The code of a completed run decides, or its text if it has no code. Of other runs only the presence of a status counts. */
function sampleOf(body: Json & { data: Json }): Sample {
  const isCompleted = [body['eventType'], body['event_type']].includes('job.run.completed');
  const decisive = ['runStatusCode', 'runStatus', 'run_status'].find((name) => name in body.data);
  return {
    body,
    deciding: new RegExp(`^(?:${DECIDING}${isCompleted ? `|data\\.${decisive}` : ''})$`),
    present: /^data\.(?:runStatus|run_status|runStatusCode)$/,
  };
}

/** Names of declared fields other than ids that decide. */
const DECLARED = /^(?:webhookId|webhookName|eventId|timestamp|(?:job|run|environment|project|dbt)[A-Z]\w*)$/;

itIgnoresMinorFields({
  provider: dbtCloud({ name: 'dbt', secrets: ['a-secret'] }).open(),
  samples: SAMPLES,
  added: ['new', 'data.new'],
  odd: [1675193287, '0001-01-01T00:00:00Z', { x: 'raw:1e22' }],
  isBlank,
  decided: ({ id, status, account, job }) => ({ id, status, account, job: [job.key, job.id] }),
  mistyped: ({ data, ...envelope }) =>
    Object.entries({ ...envelope, ...(data as Json) }).flatMap(([name, one]) => {
      if (!DECLARED.test(name) || one === null || name.includes('_')) return [];
      return typeof one === (name === 'runStatusCode' ? 'number' : 'string') ? [] : [`${name}: ${typeof one}`];
    }),
});
