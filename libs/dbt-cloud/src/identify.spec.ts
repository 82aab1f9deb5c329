import { describe, expect, it } from '@jest/globals';
import { storedMessage } from '../../../test/providers/stored-message.js';
import { dbtCloud } from './source.js';

const provider = dbtCloud({ name: 'dbt', secrets: ['a-secret'] }).open();

describe('identify', () => {
  it.each([
    ['{"eventId":"wev_1","event_id":"other"}', 'wev_1'],
    ['{"event_id":"231321foisdjfiods"}', '231321foisdjfiods'],
    ['{"eventId":42}', '42'],
    ['\ufeff{"eventId":"wev_1"}', 'wev_1'],
    ['{"eventId":""}', ''],
    ['{"eventId":"None"}', ''],
    ['{"eventId":null}', ''],
    ['{"eventId":{"length":1}}', ''],
    ['{"eventId":"a\\u0000b"}', ''],
    ['{"eventId":"a\\ud800"}', ''],
    [`{"eventId":"${'x'.repeat(256)}"}`, ''],
    ['{"data":{"eventId":"wev_1"}}', ''],
    ['[]', ''],
    ['null', ''],
    ['"text"', ''],
    ['{"eventId":"wev_1"', ''],
    ['', ''],
    ['['.repeat(100_000), ''],
  ])('returns only the id in the body: %.40s', (body, id) => {
    expect(provider.identify(storedMessage(body))).toBe(id);
  });
});
