import { createHash } from 'node:crypto';
import { equal } from 'node:assert/strict';
import type { ApiPhase, ReportedMessage, ReportedPhase, RunState } from 'nestjs-runhooks/core';
import { at, SOURCE, type StoreHarness } from '../store-harness.js';
import type { ContractCase } from '../contract-case.js';
import { same } from '../same.js';
import { roundsOf } from './rounds.js';

const PHASES: readonly ApiPhase[] = ['running', 'ended:10', 'complete:10'];

function phase(runId: string, name: ApiPhase, accountId = '1'): ReportedPhase {
  return { accountId, runId, phase: name, messageKey: `api:${accountId}/${runId}:${name}` };
}

function phasesOf(runId: string): ReportedPhase[] {
  return PHASES.map((name) => phase(runId, name));
}

/** Returns a message as a round appends it: its digest is that of its key. */
function reported(harness: StoreHarness, messageKey: string, fields: Partial<ReportedMessage> = {}): ReportedMessage {
  const message = harness.message({ messageKey });
  return { ...message, digest: createHash('sha256').update(messageKey).digest(), history: false, ...fields };
}

/** Records a message with the state of a run. */
async function recordRun(harness: StoreHarness, runId: string, run: Partial<RunState>, now = at(0)): Promise<void> {
  await harness.append();
  const state: RunState = { jobKey: 'job', contradicted: false, types: [], ...run };
  const fields = { run: { source: SOURCE, accountId: '1', runId }, decide: () => ({ run: state, events: [] }) };
  await harness.record(await harness.takeMessages(), fields, now);
}

async function lackingOf(harness: StoreHarness, phases: readonly ReportedPhase[]): Promise<string[]> {
  const { phases: lacking } = await roundsOf(harness).lacking(SOURCE, phases);
  return lacking.map(({ messageKey }) => messageKey);
}

const FACTS = { job: { key: 'job' }, trigger: { kind: 'manual', reason: 'a fix' } } as const;

/** Cases for a store with rounds. */
export const reportedRunsCases: readonly ContractCase[] = [
  {
    title: 'rounds.lacking: returns all phases of an unknown run in the given order',
    run: async (harness) => {
      await recordRun(harness, '2', { outcome: 'failed', types: ['run.failed', 'run.completed'] });
      const phases = [...phasesOf('3'), ...phasesOf('1')];
      same(await roundsOf(harness).lacking(SOURCE, phases), { phases, withoutFacts: [] });
      same(await roundsOf(harness).lacking('another', phasesOf('2')), { phases: phasesOf('2'), withoutFacts: [] });
      same(await lackingOf(harness, [phase('2', 'ended:10', 'other')]), ['api:other/2:ended:10']);
      same(await roundsOf(harness).lacking(SOURCE, []), { phases: [], withoutFacts: [] });
    },
  },
  {
    title: 'rounds.lacking: compares phases with the state of the run',
    run: async (harness) => {
      await recordRun(harness, 'started', { types: ['run.started'] });
      await recordRun(harness, 'failed', { outcome: 'failed', types: ['run.failed'] });
      await recordRun(harness, 'complete', { outcome: 'failed', types: ['run.failed', 'run.completed'] });
      await recordRun(harness, 'skipped', { types: ['run.completed'] });
      same(await lackingOf(harness, phasesOf('started')), ['api:1/started:ended:10', 'api:1/started:complete:10']);
      same(await lackingOf(harness, phasesOf('failed')), ['api:1/failed:complete:10']);
      same(await lackingOf(harness, phasesOf('complete')), []);
      same(await lackingOf(harness, phasesOf('skipped')), []);
    },
  },
  {
    title: 'rounds.lacking: knows a phase whose message was appended, even before it is parsed',
    run: async (harness) => {
      await roundsOf(harness).appendReported([reported(harness, 'api:1/7:ended:10')]);
      same(await lackingOf(harness, phasesOf('7')), ['api:1/7:running', 'api:1/7:complete:10']);
    },
  },
  {
    title: 'rounds.lacking: compares 200 runs at once',
    run: async (harness) => {
      await recordRun(harness, '7', { outcome: 'succeeded', types: ['run.succeeded', 'run.completed'] });
      const phases = Array.from({ length: 200 }, (_, run) => phasesOf(String(run))).flat();
      equal((await lackingOf(harness, phases)).length, 597);
    },
  },
  {
    title: 'rounds.appendReported: stores each key once, whatever the body, with origin and history',
    run: async (harness) => {
      const rounds = roundsOf(harness);
      const [first, history] = [reported(harness, 'api:1/1:ended:10'), reported(harness, 'api:1/2:ended:10')];
      const appended = await rounds.appendReported(
        [history, first].map((one) => ({ ...one, history: one === history })),
      );
      same(appended, [
        { status: 'accepted', id: history.id },
        { status: 'accepted', id: first.id },
      ]);
      const [again] = await rounds.appendReported([reported(harness, 'api:1/1:ended:10')]);
      same(again, { status: 'duplicate', id: first.id });
      const { items } = await harness.takeMessages();
      same(
        items.map(({ id, origin, history: isHistory = false }) => [id, origin, isHistory]),
        [
          [first.id, 'api', false],
          [history.id, 'api', true],
        ],
      );
      const { items: listed } = await harness.store.messages({}, {});
      same(
        listed.map(({ origin, history: isHistory }) => [origin, isHistory]),
        [
          ['api', true],
          ['api', false],
        ],
      );
    },
  },
  {
    title: 'rounds.appendReported: stores the other messages if one contains what the engine rejects',
    run: async (harness) => {
      const messages = ['api:1/\0:ended:10', 'api:1/2:ended:10'].map((key) => reported(harness, key));
      const appended = await roundsOf(harness).appendReported(messages);
      same(
        appended.map(({ status }) => status),
        ['accepted', 'accepted'],
      );
    },
  },
  {
    title: 'rounds.appendReported: accepts the same messages from several processes at once',
    run: async (harness) => {
      const keys = Array.from({ length: 20 }, (_, run) => `api:1/${run}:ended:10`);
      const lists = [keys, [...keys].reverse(), keys];
      const appended = await Promise.all(
        lists.map((list) => roundsOf(harness).appendReported(list.map((key) => reported(harness, key)))),
      );
      equal(appended.flat().filter(({ status }) => status === 'accepted').length, 20);
    },
  },
  {
    title: 'record: reports no reused id for messages of origin api',
    run: async (harness) => {
      await harness.append({ messageKey: 'api:1/1:ended:10' });
      await harness.record(await harness.takeMessages());
      await roundsOf(harness).appendReported([reported(harness, 'api:1/1:ended:10')]);
      const taken = await harness.takeMessages();
      equal((await harness.record(taken))[0]?.idReused, false);
    },
  },
  {
    title: 'record: counts runs that a sweep found, by source',
    run: async (harness) => {
      await roundsOf(harness).appendReported([reported(harness, 'api:1/1:ended:10')]);
      const taken = await harness.takeMessages();
      const decide = () => ({ events: [], isFoundBySweep: true as const });
      const [recorded] = await harness.record(taken, { decide });
      equal(recorded?.isFoundBySweep, true);
      await harness.record(taken, { decide });
      await harness.append();
      await harness.record(await harness.takeMessages());
      same((await harness.store.counts()).foundBySweep, [{ source: SOURCE, runs: 1 }]);
    },
  },
  {
    title: 'record: stores origin, facts and the retried run of a run, and passes them to the next message',
    run: async (harness) => {
      const run = { source: SOURCE, accountId: '1', runId: '7' };
      await recordRun(harness, '7', { origin: 'api', retryOf: '6', facts: FACTS });
      const stored = await harness.store.run(run);
      same([stored?.origin, stored?.retryOf, stored?.facts], ['api', '6', FACTS]);
      await harness.append();
      let known: RunState | undefined;
      await harness.record(await harness.takeMessages(), {
        run,
        decide: (state) => {
          known = state.run;
          return { events: [] };
        },
      });
      same([known?.origin, known?.retryOf, known?.facts], ['api', '6', FACTS]);
    },
  },
  {
    title: 'rounds.addFacts: adds facts to a known run once, and changes nothing else',
    run: async (harness) => {
      const rounds = roundsOf(harness);
      const run = { source: SOURCE, accountId: '1', runId: '7' };
      await recordRun(harness, '7', { outcome: 'failed', types: ['run.failed', 'run.completed'] });
      const before = await harness.store.run(run);
      same((await rounds.lacking(SOURCE, phasesOf('7'))).withoutFacts, [run]);
      await rounds.addFacts([
        { run, facts: FACTS, retryOf: '6' },
        { run: { ...run, runId: 'unknown' }, facts: FACTS },
      ]);
      await rounds.addFacts([{ run, facts: { ...FACTS, url: 'later' } }]);
      await rounds.addFacts([]);
      same(await harness.store.run(run), { ...before, facts: FACTS, retryOf: '6' });
      same((await rounds.lacking(SOURCE, phasesOf('7'))).withoutFacts, []);
      equal(await harness.store.run({ ...run, runId: 'unknown' }), undefined);
    },
  },
  {
    title: 'erase: erases the facts of the runs of messages, and of given runs, so that they are not added again',
    run: async (harness) => {
      const rounds = roundsOf(harness);
      const key = (runId: string) => ({ source: SOURCE, accountId: '1', runId });
      for (const runId of ['1', '2', '3']) await recordRun(harness, runId, { facts: FACTS });
      const [message] = (await harness.store.messages({ run: key('1') }, {})).items;
      same((await harness.store.messagesHolding(['a fix'], {})).items.length, 3);
      const erasure = { messageIds: message ? [message.id] : [], eventIds: [], runs: [key('2')], texts: [] };
      await harness.store.erase(erasure, harness.decision(), at(0));
      await rounds.addFacts(['1', '2'].map((runId) => ({ run: key(runId), facts: FACTS })));
      const facts = await Promise.all(
        ['1', '2', '3'].map(async (runId) => (await harness.store.run(key(runId)))?.facts),
      );
      same(facts, [undefined, undefined, FACTS]);
      equal((await harness.store.messagesHolding(['a fix'], {})).items.length, 1);
      same((await rounds.lacking(SOURCE, phasesOf('1'))).withoutFacts, []);
    },
  },
  {
    title: 'rounds.openRuns: returns runs that have started and not ended, the oldest first',
    run: async (harness) => {
      await recordRun(harness, '3', { types: ['run.started'] }, at(3));
      await recordRun(harness, '1', { types: ['run.started'], startedAt: at(0) }, at(1));
      await recordRun(harness, '2', { types: ['run.started', 'run.failed'], outcome: 'failed' }, at(2));
      await recordRun(harness, '4', { types: ['run.started', 'run.completed'] }, at(4));
      const open = { accountId: '1', jobKey: 'job' };
      same(await roundsOf(harness).openRuns(SOURCE, 10), [
        { ...open, runId: '1', startedAt: at(0) },
        { ...open, runId: '3' },
      ]);
      same(await roundsOf(harness).openRuns(SOURCE, 1), [{ ...open, runId: '1', startedAt: at(0) }]);
      same(await roundsOf(harness).openRuns('another', 10), []);
    },
  },
];
