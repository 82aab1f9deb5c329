import { describe, expect, it } from '@jest/globals';
import { resolveHandlerOptions, type Handler } from '../handlers/handler.js';
import { HandlerSet } from '../handlers/handler-set.js';
import type { Subscription } from '../handlers/subscription.js';
import type { OpenSource } from '../sources/source.js';
import { resultsAskedFor, resultsHandlers } from './results-handlers.js';

const invoke = (): Promise<void> => Promise.resolve();

function source(name: string, { provider = 'dbt-cloud', isRead = true } = {}): OpenSource {
  const results = { read: () => Promise.reject(new Error('not for this test')) };
  const api = { client: {}, switchedOff: [], rounds: [], ...(isRead && { results }) };
  return { name, paths: [], bodyBytesMax: 1, provider: { name: provider }, api } as unknown as OpenSource;
}

function handler(id: string, ...subscriptions: Subscription[]): Handler {
  return { ...resolveHandlerOptions(id, {}), label: id, subscriptions, invoke };
}

const failed = (filter: Subscription['filter'] = {}): Subscription => ({ on: { types: ['node.failed'] }, filter });
const results = (filter: Subscription['filter'] = {}): Subscription => ({ on: { types: ['run.results'] }, filter });
const SOURCES = [source('dbt'), source('eu'), source('paradime', { provider: 'paradime' })];

describe('resultsHandlers', () => {
  it('is one handler of run.completed for each source that handlers ask about, with their filters', () => {
    const asking = [
      handler('page', {
        ...failed({ job: 'nightly', source: ['dbt', 'eu'] }),
        includeIsolated: true,
        when: () => false,
      }),
      handler('report', results({ environment: 'Production', provider: 'dbt-cloud' })),
      handler('other', { on: { types: ['run.failed'] }, filter: {} }),
    ];
    const own = resultsHandlers(asking, SOURCES, invoke);
    expect(own.map(({ id }) => id)).toEqual(['runhooks.results:dbt', 'runhooks.results:eu']);
    expect(own[0]?.subscriptions).toEqual([
      { on: { types: ['run.completed'] }, filter: { job: 'nightly', source: 'dbt' } },
      { on: { types: ['run.completed'] }, filter: { environment: 'Production', provider: 'dbt-cloud', source: 'dbt' } },
    ]);
    expect(own[0]).toMatchObject({ concurrency: 2, timeoutMs: 900_000 });
  });

  it('has equal filters once', () => {
    const asking = [
      handler('a', failed({ job: 'x', trigger: 'ci' })),
      handler('b', results({ trigger: 'ci', job: 'x' }), failed({ job: 'x', trigger: 'ci', source: 'dbt' })),
    ];
    expect(resultsHandlers(asking, [source('dbt')], invoke)[0]?.subscriptions).toHaveLength(1);
  });

  it('has none for a source without a reader', () => {
    const unread = source('dbt', { isRead: false });
    const asking = [handler('a', failed())];
    expect(resultsHandlers(asking, [unread], invoke)).toEqual([]);
    expect(resultsAskedFor(asking, [unread, source('eu')])).toEqual([
      { source: 'dbt', handlerIds: ['a'], isRead: false },
      { source: 'eu', handlerIds: ['a'], isRead: true },
    ]);
  });

  it('grows with the handlers of a set, and is not one of the app', () => {
    const set = new HandlerSet((ofApp) => resultsHandlers(ofApp, [source('dbt')], invoke));
    set.add(handler('a', { on: { types: ['run.failed'] }, filter: {} }));
    expect(set.all()).toHaveLength(1);
    set.add(handler('b', failed({ job: 'x' })));
    const [, , before = ''] = set.versions();
    set.add(handler('c', failed({ job: 'y' })));
    expect(set.ofApp().map(({ id }) => id)).toEqual(['a', 'b', 'c']);
    expect(set.all().map(({ id }) => id)).toEqual(['a', 'b', 'c', 'runhooks.results:dbt']);
    expect(set.get('runhooks.results:dbt')?.subscriptions).toHaveLength(2);
    expect(before).toMatch(/^runhooks\.results:dbt@/);
    expect(set.versions()).not.toContain(before);
    expect(set.registered().map(({ version }) => version)).toEqual(set.versions());
  });
});
