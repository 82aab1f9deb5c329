import { describe, expect, it } from '@jest/globals';
import { ConfigurationError } from '../errors.js';
import type { RunEventType } from '../runs/run-signal.js';
import { resolveHandlerOptions, type Handler } from './handler.js';
import { HandlerSet } from './handler-set.js';

function handler(id: string, label: string, types: RunEventType[] = []): Handler {
  const subscriptions = types.map((type) => ({ on: { types: [type] }, filter: {} }));
  return { ...resolveHandlerOptions(label, { id }), label, subscriptions, invoke: () => Promise.resolve() };
}

describe('HandlerSet', () => {
  it('rejects a second handler with the same id, names both, and keeps the first', () => {
    const set = new HandlerSet();
    const first = handler('page', 'OnCall.page');
    set.add(first);
    expect(() => set.add(handler('page', 'Other.page'))).toThrow(ConfigurationError);
    expect(() => set.add(handler('page', 'Other.page'))).toThrow(/"page".*OnCall\.page.*Other\.page/);
    expect(set.all()).toEqual([first]);
  });

  it('adds no handler if one of them has a duplicate id', () => {
    const set = new HandlerSet();
    expect(() => set.add(handler('page', 'OnCall.page'), handler('page', 'Other.page'))).toThrow(ConfigurationError);
    expect([set.all(), set.registered(), set.versions()]).toEqual([[], [], []]);
  });

  it.each(['__proto__', 'constructor', 'toString'])('has no handler %s that was not added', (id) => {
    const set = new HandlerSet();
    expect(set.get(id)).toBeUndefined();
    set.add(handler(id, 'Odd.id'));
    expect(set.get(id)?.id).toBe(id);
  });

  it('returns each matching handler once, in the order of addition', () => {
    const set = new HandlerSet();
    set.add(handler('twice', 'A.a', ['run.failed', 'run.failed']));
    set.add(handler('other', 'B.b', ['run.started']));
    const ids = () => set.wanting({ type: 'run.failed', provider: 'p', source: 's' }).map(({ id }) => id);
    expect(ids()).toEqual(['twice']);
    set.add(handler('late', 'C.c', ['run.failed']));
    expect(ids()).toEqual(['twice', 'late']);
  });

  it.each([
    { account: '1', project: ['b', 'a'] },
    { project: ['b', 'a'], account: '1' },
  ])('gives a handler the same version as other releases, for any order of its filter', (filter) => {
    const set = new HandlerSet();
    const subscriptions = [{ on: { types: ['run.failed', 'run.started'] as const }, filter, when: () => true }];
    set.add({ ...handler('a', 'A.a'), subscriptions });
    expect(set.versions()).toEqual(['a@7f2048cd554d']);
  });

  it('does not change with its returned array', () => {
    const set = new HandlerSet();
    set.all().push(handler('page', 'OnCall.page'));
    expect(set.all()).toEqual([]);
  });
});
