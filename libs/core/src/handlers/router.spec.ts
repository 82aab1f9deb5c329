import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Routable } from './filter.js';
import type { Subscription } from './subscription.js';
import { resolveHandlerOptions, wants, type Handler, type HandlerOptions } from './handler.js';
import { HandlerSet } from './handler-set.js';
import { IdSequence } from '../ids.js';
import { Router } from './router.js';
import type { Run } from '../runs/run.js';

const NOW = new Date(Date.UTC(2026, 0, 1));
const RUN: Run = {
  id: '7',
  status: 'failed',
  job: { key: 'job' },
  account: { id: '1' },
  trigger: { kind: 'schedule' },
};
const EVENT: Routable = { type: 'run.failed', provider: 'dbt-cloud', source: 'dbt', run: RUN };
const FAILED: Subscription = { on: { types: ['run.failed'] }, filter: {} };

function handler(id: string, subscriptions: readonly Subscription[] = [FAILED], options: HandlerOptions = {}): Handler {
  return { ...resolveHandlerOptions(id, options), label: id, subscriptions, invoke: () => Promise.resolve() };
}

function routerOf(...handlers: Handler[]): Router {
  const set = new HandlerSet();
  for (const one of handlers) set.add(one);
  return new Router(set, new IdSequence());
}

const handlerIdsOf = (deliveries: readonly { handlerId: string }[]) => deliveries.map(({ handlerId }) => handlerId);

describe('Router', () => {
  it('creates a delivery with a unique id for each matching handler', () => {
    const router = routerOf(handler('a'), handler('b', [{ ...FAILED, filter: { source: 'other' } }]), handler('c'));
    const deliveries = router.deliveriesFor(EVENT, NOW);
    expect(handlerIdsOf(deliveries)).toEqual(['a', 'c']);
    expect(new Set(deliveries.map(({ id }) => id)).size).toBe(2);
  });

  it('creates one delivery for a handler with several matching decorators', () => {
    expect(routerOf(handler('a', [FAILED, FAILED])).deliveriesFor(EVENT, NOW)).toHaveLength(1);
  });

  it.each([
    ['those named', ['b'], ['b']],
    ['none, if none is named', [], []],
    ['none that does not want the event, even if named', ['uninterested'], []],
    ['no unknown handler', ['unknown'], []],
    ['each once, however often it is named', ['a', 'a'], ['a']],
  ])('creates deliveries for %s', (_, named, expected) => {
    const router = routerOf(handler('a'), handler('b'), handler('uninterested', []));
    expect(handlerIdsOf(router.deliveriesFor(EVENT, NOW, named))).toEqual(expected);
  });

  it('matches each handler by its own subscriptions', () => {
    const types = fc.subarray(['run.started', 'run.failed', 'run.completed'] as const);
    const source = fc.constantFrom('dbt', 'other', undefined);
    const subscription = fc
      .tuple(types, source)
      .map(([some, name]): Subscription => ({ on: { types: some }, filter: name ? { source: name } : {} }));
    fc.assert(
      fc.property(fc.array(fc.array(subscription, { maxLength: 3 }), { maxLength: 5 }), (all) => {
        const router = routerOf(...all.map((subscriptions, index) => handler(`h${index}`, subscriptions)));
        const wanting = all.flatMap((some, index) => (some.some((one) => wants(one, EVENT)) ? [`h${index}`] : []));
        expect(handlerIdsOf(router.deliveriesFor(EVENT, NOW))).toEqual(wanting);
      }),
    );
  });

  it('does not run user code', () => {
    const when = () => {
      throw new Error('not to be called');
    };
    expect(routerOf(handler('a', [{ ...FAILED, when }])).deliveriesFor(EVENT, NOW)).toHaveLength(1);
  });
});

describe('lanes', () => {
  const laneOf = (serialize: 'run' | 'job', event: Routable, id = 'handler') =>
    routerOf(handler(id, [FAILED], { serialize })).deliveriesFor(event, NOW)[0]?.lane;

  it('exist for handlers that serialize, and for events about a run', () => {
    expect(routerOf(handler('a')).deliveriesFor(EVENT, NOW)[0]).not.toHaveProperty('lane');
    expect(laneOf('run', { type: 'run.failed', provider: 'dbt-cloud', source: 'dbt' })).toBeUndefined();
  });

  it('differ between handlers, and between the run and the job of one event', () => {
    const lanes = [laneOf('run', EVENT), laneOf('job', EVENT), laneOf('run', EVENT, 'other')];
    expect(new Set(lanes).size).toBe(3);
  });

  // Ids can contain spaces and other printable characters, so that one id could look like two joined ids.
  const part = fc.oneof(fc.constantFrom('a', 'a b', 'b', 'b c', 'c', ' ', '"', '\\', '/', ''), fc.string());
  const place = fc.record({ source: fc.constantFrom('s', 't'), account: part, run: part, job: part });
  type Facts = { source: string; account: string; run: string; job: string };
  const eventAt = ({ source, account, run, job }: Facts): Routable => ({
    ...EVENT,
    source,
    run: { ...RUN, id: run, account: { id: account }, job: { key: job } },
  });

  it('are the same only for one run of one account of one source', () => {
    fc.assert(
      fc.property(place, place, (one, other) => {
        const same = one.source === other.source && one.account === other.account && one.run === other.run;
        expect(laneOf('run', eventAt(one)) === laneOf('run', eventAt(other))).toBe(same);
      }),
      {
        examples: [
          [
            { source: 's', account: 'a b', run: 'c', job: '' },
            { source: 's', account: 'a', run: 'b c', job: '' },
          ],
        ],
      },
    );
  });

  it('are the same only for one job of one source', () => {
    fc.assert(
      fc.property(place, place, (one, other) => {
        const same = one.source === other.source && one.job === other.job;
        expect(laneOf('job', eventAt(one)) === laneOf('job', eventAt(other))).toBe(same);
      }),
    );
  });
});
