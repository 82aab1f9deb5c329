import { equal } from 'node:assert/strict';
import type { ActionFilter } from 'nestjs-runhooks/core';
import type { ContractCase } from '../contract-case.js';
import { same } from '../same.js';
import { at, HANDLER, LEASE_MS, type StoreHarness } from '../store-harness.js';
import { actionsOf, answered, begun, claimAt, deliveryFor, ended, newAction, runOf } from './actions-harness.js';

async function keysOf(harness: StoreHarness, filter: ActionFilter): Promise<string[]> {
  return (await actionsOf(harness).list(filter, {})).items.map(({ key }) => key);
}

/** Cases for a store with actions. */
export const actionsListCases: readonly ContractCase[] = [
  {
    title: 'actions.list: returns actions newest first, in pages',
    run: async (harness) => {
      const keys = ['a', 'b', 'c', 'd', 'e'];
      for (const [index, key] of keys.entries()) {
        await begun(harness, newAction(key), claimAt(Math.floor(index / 2)));
      }
      const listed: string[] = [];
      let after: string | undefined;
      do {
        const page = await actionsOf(harness).list({}, { limit: 2, ...(after !== undefined && { after }) });
        listed.push(...page.items.map(({ key }) => key));
        after = page.next;
      } while (after !== undefined);
      same(listed, ['e', 'd', 'c', 'b', 'a']);
      same((await actionsOf(harness).list({}, { after: 'no cursor' })).items, []);
    },
  },
  {
    title: 'actions.list: returns what was asked for and what came of it',
    run: async (harness) => {
      await answered(harness, newAction('a', { request: '{"steps":["\\u0000"]}' }), { runId: '8' }, 5);
      const [listed] = (await actionsOf(harness).list({}, {})).items;
      same(listed, {
        ...(await actionsOf(harness).find({ source: 'source', key: 'a' })),
        request: '{"steps":["\\u0000"]}',
        createdAt: at(5),
        updatedAt: at(5),
      });
    },
  },
  {
    title: 'actions.list: returns the arguments of the last attempt, and those of the call once it is sent',
    run: async (harness) => {
      const actions = actionsOf(harness);
      const requestOf = async () => (await actions.list({}, {})).items.map(({ request }) => request);
      await begun(harness, newAction('a', { request: '1' }));
      const held = await begun(harness, newAction('a', { request: '2' }), claimAt(LEASE_MS));
      same(await requestOf(), ['2']);
      await actions.advance(held, { state: 'sent', leaseMs: LEASE_MS }, at(LEASE_MS));
      await begun(harness, newAction('a', { request: '3' }), claimAt(2 * LEASE_MS));
      same(await requestOf(), ['2']);
    },
  },
  {
    title: 'actions.list: returns actions of a source and in a state',
    run: async (harness) => {
      await answered(harness, newAction('answered'), { runId: '8' });
      await ended(harness, newAction('refused'), 'refused');
      await ended(harness, newAction('unknown'), 'unknown');
      await begun(harness, newAction('intended'));
      await begun(harness, newAction('other', { source: 'another' }));
      for (const state of ['answered', 'refused', 'unknown', 'intended'] as const) {
        same(await keysOf(harness, { source: 'source', state }), [state]);
      }
      same(await keysOf(harness, { source: 'another' }), ['other']);
      same(await keysOf(harness, { state: 'sent' }), []);
    },
  },
  {
    title: 'actions.list: names the handler and the event that asked for an action',
    run: async (harness) => {
      const delivery = await deliveryFor(harness, '7');
      for (const key of [delivery.id, `${delivery.id}:cancel`, 'by hand', `more ${delivery.id}`]) {
        await begun(harness, newAction(key));
      }
      const { items } = await actionsOf(harness).list({}, {});
      const asked = items.filter(({ handlerId, eventId }) => handlerId === HANDLER && eventId === 'run.failed:7');
      same(asked.map(({ key }) => key).sort(), [delivery.id, `${delivery.id}:cancel`]);
      equal(items.filter(({ handlerId, eventId }) => handlerId === undefined && eventId === undefined).length, 2);
    },
  },
  {
    title: 'actions.list: returns actions on a run, that started it, and that handlers of its events asked for',
    run: async (harness) => {
      const delivery = await deliveryFor(harness, '7');
      await answered(harness, newAction('on it'), { runId: '8' });
      await begun(harness, newAction('without an account', { kind: 'cancel', accountId: undefined }));
      await begun(harness, newAction('of another account', { accountId: '2' }));
      await begun(harness, newAction('on a job of this id', { kind: 'trigger' }));
      await begun(harness, newAction(delivery.id, { source: 'another', kind: 'trigger', target: 'job' }));
      await answered(harness, newAction('started it', { kind: 'trigger', target: 'job' }), { runId: '7' });
      same((await keysOf(harness, { run: runOf('7') })).sort(), [
        delivery.id,
        'on it',
        'started it',
        'without an account',
      ]);
      same(await keysOf(harness, { run: runOf('8') }), ['on it']);
      same(await keysOf(harness, { run: { ...runOf('8'), accountId: '2' } }), []);
      same(await keysOf(harness, { run: { ...runOf('8'), source: 'another' } }), []);
      same(await keysOf(harness, { run: runOf('7'), source: 'another' }), [delivery.id]);
    },
  },
];
