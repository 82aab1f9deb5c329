import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { ApiPhase, Logger, RunState, Store } from 'nestjs-runhooks/core';
import { sqliteInbox } from '../sqlite.js';

const SILENT: Logger = { debug: () => {}, log: () => {}, warn: () => {}, error: () => {} };
const NOW = new Date('2026-01-01T00:00:00Z');
const SOURCE = 'source';
const KEY = { source: SOURCE, accountId: '1', runId: '8' };
const FACTS = { job: { key: 'job' }, trigger: { kind: 'manual' } } as const;

describe('a run that only an action has written', () => {
  let store: Store;

  beforeEach(async () => {
    store = sqliteInbox({ path: ':memory:' }).createStore(SILENT);
    await store.open();
    await record('7', {
      jobKey: 'job',
      contradicted: false,
      types: ['run.failed', 'run.completed'],
      outcome: 'failed',
    });
    const retry = { source: SOURCE, key: 'a', kind: 'retry', target: '7', accountId: '1' } as const;
    const claim = { now: NOW, leaseMs: 1_000, lease: 'lease', latestDueAt: new Date(8e15) };
    await store.actions?.begin({ ...retry, mark: 'runhooks:a', request: '{}' }, claim);
    await store.actions?.answer({ source: SOURCE, key: 'a', lease: 'lease' }, [{ runId: '8' }], NOW);
  });
  afterEach(() => store.close());

  async function record(runId: string, run: RunState): Promise<void> {
    const message = { id: `msg_${runId}`, source: SOURCE, provider: 'provider', messageKey: runId, headers: {} };
    const body = Buffer.from(runId);
    await store.append({ ...message, digest: body, body, receivedAt: NOW });
    const [claimed] = await store.claimMessages({
      now: NOW,
      leaseMs: 1_000,
      limit: 1,
      lease: 'reader',
      sources: [SOURCE],
    });
    const key = { ...KEY, runId };
    const decide = () => ({ run, events: [] });
    await store.record(
      [
        {
          messageId: claimed?.id ?? '',
          lease: 'reader',
          state: 'parsed',
          run: key,
          job: { source: SOURCE, jobKey: 'job' },
          decide,
        },
      ],
      NOW,
    );
  }

  it('lacks every phase that a sweep finds', async () => {
    const phases = (['running', 'ended:10', 'complete:10'] as ApiPhase[]).map((phase) => ({
      accountId: '1',
      runId: '8',
      phase,
      messageKey: `api:1/8:${phase}`,
    }));
    expect((await store.rounds?.lacking(SOURCE, phases))?.phases).toEqual(phases);
  });

  it('is not one of the open runs', async () => {
    expect(await store.rounds?.openRuns(SOURCE, 10)).toEqual([]);
  });

  it('gets facts from the API, and keeps which run it retries if they do not report it', async () => {
    await store.rounds?.addFacts([{ run: KEY, facts: FACTS }]);
    expect(await store.run(KEY)).toMatchObject({ facts: FACTS, retryOf: '7', rootRun: '7' });
  });
});
