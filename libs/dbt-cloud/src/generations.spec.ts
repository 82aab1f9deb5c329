import { describe, expect, it } from '@jest/globals';
import { toCurrentShape } from './generations.js';

describe('toCurrentShape', () => {
  it.each([null, undefined, 7, 'text', [{ event_type: 'x' }]])('returns %j unchanged', (value) => {
    expect(toCurrentShape(value)).toEqual({ value, draft: false });
  });

  it.each([7, 'text', [1]])('returns data of %j unchanged', (data) => {
    expect(toCurrentShape({ eventType: 'x', data })).toEqual({ value: { eventType: 'x', data }, draft: false });
  });

  it.each([undefined, null])('treats data of %j as empty', (data) => {
    expect(toCurrentShape({ eventType: 'x', data }).value).toEqual({ eventType: 'x', data: {} });
  });

  it("lets today's name count where both are there, and keeps the other", () => {
    const value = {
      eventType: 'now',
      event_type: 'then',
      webhookId: 'wsu_1',
      webhooksID: 'wsu_2',
      data: { runId: '1', run_id: '2', webhook_name: 'w' },
    };

    expect(toCurrentShape(value)).toEqual({ value, draft: false });
  });

  it('keeps the second of two old names of a field', () => {
    const { value } = toCurrentShape({ webhooksID: 'wsu_1', webhook_id: 'wsu_2', data: {} });

    expect(value).toEqual({ webhookId: 'wsu_1', webhook_id: 'wsu_2', data: {} });
  });

  it('renames every field of the draft and keeps unknown ones', () => {
    const { value, draft } = toCurrentShape({
      account_id: 1,
      event_type: 'job.run.completed',
      event_id: 'e',
      webhook_id: 'w',
      some_thing: 1,
      data: { run_status_code: 10, run_errored_at: 'a', run_status_message: 'm', project_id: 3, other_thing: null },
    });

    expect({ value, draft }).toEqual({
      value: {
        accountId: 1,
        eventType: 'job.run.completed',
        eventId: 'e',
        webhookId: 'w',
        some_thing: 1,
        data: { runStatusCode: 10, runErroredAt: 'a', runStatusMessage: 'm', projectId: 3, other_thing: null },
      },
      draft: true,
    });
  });
});
