import { describe, expect, it } from '@jest/globals';
import { ConfigurationError } from '../errors.js';
import { resolveHandlerOptions, type Handler } from '../handlers/handler.js';
import { HandlerSet } from '../handlers/handler-set.js';
import type { Role } from '../handlers/registration.js';
import { Router } from '../handlers/router.js';
import { IdSequence } from '../ids.js';
import type { OpenSource } from '../sources/source.js';
import { StoreGuard } from '../store/store-guard.js';
import type { Store } from '../store/store.js';
import { ResultsHandling } from './results-handling.js';

function handler(type: 'node.failed' | 'run.failed'): Handler {
  const subscriptions = [{ on: { types: [type] }, filter: {} }];
  return { ...resolveHandlerOptions('page', {}), label: 'page', subscriptions, invoke: () => Promise.resolve() };
}

function handling({ role = 'both' as Role, store = { results: {} } as object, isRead = true } = {}) {
  const warnings: string[] = [];
  const logger = { debug: () => {}, log: () => {}, warn: (line: string) => void warnings.push(line), error: () => {} };
  const api = isRead ? { results: {} } : {};
  const results = new ResultsHandling({
    sources: [{ name: 'dbt', provider: { name: 'dbt-cloud' }, api } as unknown as OpenSource],
    role,
    store: { description: 'a custom store', ...store } as unknown as Store,
    router: new Router(new HandlerSet(), new IdSequence()),
    clock: { now: () => new Date() },
    logger,
    guard: new StoreGuard(logger),
    onDue: () => {},
  });
  return { results, warnings };
}

describe('ResultsHandling', () => {
  it('reads results only if a handler asks for them', () => {
    const { results } = handling();
    expect(results.handlersFor([handler('run.failed')])).toEqual([]);
    expect(results.asked).toEqual([]);
    expect(results.handlersFor([handler('node.failed')])).toHaveLength(1);
    expect(results.asked).toEqual([{ source: 'dbt', handlerIds: ['page'], isRead: true }]);
  });

  it('rejects handlers of results if the store cannot keep results', () => {
    const { results } = handling({ store: {} });
    expect(results.handlersFor([handler('run.failed')])).toEqual([]);
    expect(() => results.handlersFor([handler('node.failed')])).toThrow(ConfigurationError);
    expect(() => results.handlersFor([handler('node.failed')])).toThrow(
      /"page": .* a custom store without Store\.results/,
    );
  });

  it('warns about handlers of a source without a reader, and later about those that are added', () => {
    const { results, warnings } = handling({ isRead: false });
    const page = handler('node.failed');
    results.handlersFor([page]);
    results.warnOfUnread();
    results.handlersFor([page, { ...page, id: 'lazy' }]);
    results.warnOfUnread();
    results.warnOfUnread();
    expect(warnings).toEqual([
      expect.stringMatching(/source "dbt" are not read, so handlers get none: page\. Set the `api`/),
      expect.stringMatching(/source "dbt" are not read, so handlers get none: lazy\. Set the `api`/),
    ]);
  });

  it('has no handlers in a receiver, and does not warn', () => {
    const { results, warnings } = handling({ role: 'receiver', store: {}, isRead: false });
    expect(results.handlersFor([handler('node.failed')])).toEqual([]);
    results.warnOfUnread();
    expect(warnings).toEqual([]);
  });
});
