import { describe, expect, it } from '@jest/globals';
import { resolveHandlerOptions } from '../handlers/handler.js';
import { HandlerSet } from '../handlers/handler-set.js';
import { Router } from '../handlers/router.js';
import type { Subscription } from '../handlers/subscription.js';
import { IdSequence } from '../ids.js';
import { nodeNameOf } from '../nodes/node-name.js';
import type { Run } from '../runs/run.js';
import type { ClaimedTask } from '../store/task.js';
import { handOff, routeHandedOff, type HandedOff } from './hand-off.js';
import { TaskPlanner } from './task-planner.js';

const NOW = new Date(1_000_000);
const RUN: Run = {
  id: '7',
  status: 'failed',
  job: { key: 'job' },
  account: { id: '1' },
  trigger: { kind: 'schedule' },
};
const idOf = (name: string): string => `node.failed:dbt/1/7/${name}`;
const event = (name: string, isolated: boolean): HandedOff['events'][number] => ({
  id: idOf(name),
  type: 'node.failed',
  late: false,
  node: nodeNameOf(name),
  isolated,
});
const HANDED_OFF: HandedOff = {
  occurredAt: NOW,
  receivedAt: NOW,
  run: RUN,
  events: [event('model.shop.orders', false), event('test.shop.unique', false), event('test.shop.apart', true)],
};

/** Routes what was handed off to a handler, and returns the ids of the events that it gets. */
function routed(subscription: Subscription): string[] {
  const handlers = new HandlerSet();
  const invoke = () => Promise.resolve();
  handlers.add({ ...resolveHandlerOptions('page', {}), label: 'page', subscriptions: [subscription], invoke });
  const [version = ''] = handlers.versions();
  const [task] = handOff('run.results:dbt/1/7/0', HANDED_OFF, [version], NOW);
  const parsedFrom = { source: 'dbt', provider: 'dbt-cloud', messageId: 'msg_1' };
  const claimed = { ...task, lease: 'lease', claims: 1, parsedFrom } as ClaimedTask;
  const decision = routeHandedOff(claimed, new Router(handlers, new IdSequence()), new TaskPlanner(handlers), NOW);
  expect(decision).toMatchObject({ events: [], tasks: [] });
  return (decision.deliveries ?? []).map(({ eventId }) => eventId);
}

describe('hand-off of node events', () => {
  it('applies the filters for nodes', () => {
    const on = { types: ['node.failed'] as const };
    expect(routed({ on, filter: {}, nodes: { kind: 'test' } })).toEqual([idOf('test.shop.unique')]);
    expect(routed({ on, filter: {}, nodes: { kind: 'test' }, includeIsolated: true })).toEqual([
      idOf('test.shop.unique'),
      idOf('test.shop.apart'),
    ]);
    expect(routed({ on: { types: ['node.recovered'] }, filter: {} })).toEqual([]);
  });

  it('has an id of its own for each step', () => {
    const ids = ['0', '200'].flatMap((step) => handOff(`run.results:dbt/1/7/${step}`, HANDED_OFF, ['page@1'], NOW));
    expect(new Set(ids.map(({ id }) => id)).size).toBe(2);
  });
});
