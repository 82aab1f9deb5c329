import { describe, expect, it } from '@jest/globals';
import { ConfigurationError } from '../errors.js';
import { actionDecisionOf, requireRequestOptions } from './requests.js';

describe('requireRequestOptions', () => {
  it.each([
    ['redrive', { deliveryIDs: ['dlv_1'] }, 'redrive.deliveryIDs: unknown option (did you mean "deliveryIds"?)'],
    ['dismiss', { handler: 'a' }, 'dismiss.handler: unknown option (did you mean "handlerId"?)'],
    ['replay', { id: 'a', handlerId: 'b' }, 'replay.handlerId: unknown option (did you mean "handlerIds"?)'],
    ['replay.events', { typ: 'run.failed' }, 'replay.events.typ: unknown option (did you mean "type"?)'],
    ['reparse', { messageIDs: ['msg_1'] }, 'reparse.messageIDs: unknown option (did you mean "messageIds"?)'],
    ['actions', { states: 'unknown' }, 'actions.states: unknown option (did you mean "state"?)'],
    ['decide', { run: '7' }, 'decide.run: unknown option'],
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

describe('actionDecisionOf', () => {
  const action = { source: 'dbt', key: 'dlv_1' };

  it('returns the action and its outcome', () => {
    expect(actionDecisionOf({ ...action, outcome: 'done', runId: '7' })).toEqual({
      action,
      outcome: { outcome: 'done', runId: '7' },
    });
    expect(actionDecisionOf({ ...action, outcome: 'not-done' })).toEqual({ action, outcome: { outcome: 'not-done' } });
  });

  it.each([
    [{ source: '' }, 'decide.source'],
    [{ key: undefined }, 'decide.key'],
    [{ key: 'x'.repeat(201) }, 'decide.key'],
    [{ outcome: 'answered', runId: '7' }, 'decide.outcome'],
    [{ outcome: undefined, runId: '7' }, 'decide.outcome'],
    [{}, 'decide.runId'],
    [{ runId: 7 }, 'decide.runId'],
    [{ runId: '' }, 'decide.runId'],
    [{ outcome: 'not-done', runId: '7' }, 'decide.runId'],
    [{ outcom: 'done' }, 'decide.outcom'],
  ])('names the option that is wrong in %j', (changes, option) => {
    const decide = () => actionDecisionOf({ ...action, outcome: 'done', ...changes } as never);
    expect(decide).toThrow(ConfigurationError);
    expect(decide).toThrow(`${option}: `);
  });
});
