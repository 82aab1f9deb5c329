import { describe, expect, it } from '@jest/globals';
import { ConfigurationError } from '../errors.js';
import { requireRequestOptions } from './requests.js';

describe('requireRequestOptions', () => {
  it.each([
    ['redrive', { deliveryIDs: ['dlv_1'] }, 'redrive.deliveryIDs: unknown option (did you mean "deliveryIds"?)'],
    ['dismiss', { handler: 'a' }, 'dismiss.handler: unknown option (did you mean "handlerId"?)'],
    ['replay', { id: 'a', handlerId: 'b' }, 'replay.handlerId: unknown option (did you mean "handlerIds"?)'],
    ['replay.events', { typ: 'run.failed' }, 'replay.events.typ: unknown option (did you mean "type"?)'],
    ['reparse', { messageIDs: ['msg_1'] }, 'reparse.messageIDs: unknown option (did you mean "messageIds"?)'],
    ['erase', { text: 'a' }, 'erase.text: unknown option (did you mean "textContains"?)'],
  ] as const)('throws in %s for %j', (request, options, message) => {
    expect(() => requireRequestOptions(request, options)).toThrow(ConfigurationError);
    expect(() => requireRequestOptions(request, options)).toThrow(message);
  });

  it('accepts all options of a request', () => {
    const decided = { by: 'Kim', reason: 'a reason' };
    expect(() => requireRequestOptions('erase', { messageIds: ['msg_1'], ...decided })).not.toThrow();
    expect(() => requireRequestOptions('replay.events', {})).not.toThrow();
  });
});
