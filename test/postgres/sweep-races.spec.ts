import { afterEach, expect, it } from '@jest/globals';
import { DispatchHarness, START } from '../dispatch/dispatch-harness.js';
import { SIGNATURE } from '../dispatch/probe-provider.js';
import { FakeApi, SOURCE, sourceWith, webhook } from '../rounds/fake-api.js';
import { onPostgres, Schemas } from './server.js';

const TYPES = ['run.started', 'run.succeeded', 'run.failed', 'run.completed', 'run.recovered'];
const RUNS = 120;

onPostgres('webhooks and sweeps in three processes', () => {
  const schemas = new Schemas();
  const open: DispatchHarness[] = [];

  afterEach(async () => {
    await Promise.all(open.splice(0).map((harness) => harness.close()));
  });

  it('report each event of a run once, however they overlap', async () => {
    const schema = await schemas.emptied();
    const received: string[] = [];
    const api = new FakeApi();
    for (const kind of ['canceled', 'open']) api.addRound(kind, 60_000);
    for (let process = 0; process < 3; process += 1) {
      const store = await schemas.open({ schema, connectionsMax: 4 });
      const harness = await DispatchHarness.open({ store, sources: [sourceWith(api)] });
      open.push(harness);
      harness.on('all', (event) => void received.push(`${event.type} ${'run' in event ? event.run?.id : ''}`), {
        types: TYPES,
      });
    }
    for (const harness of open) await harness.rounds.register();
    const endedAt = new Date(START.getTime() + 1_000);
    const outcomeOf = (run: number) => (run % 2 === 0 ? 'failed' : 'succeeded');
    for (let run = 0; run < RUNS; run += 1) {
      api.add({ id: String(run), status: outcomeOf(run), job: `job ${run % 5}`, endedAt });
    }
    const work = async (harness: DispatchHarness, process: number): Promise<void> => {
      await Promise.all([
        harness.rounds.runAll(),
        ...Array.from({ length: RUNS }, async (_, index) => {
          const run = (index + process * 40) % RUNS;
          const types = [`run.${outcomeOf(run)}`, 'run.completed'] as const;
          const body = webhook({ run: String(run), types: [...types], job: `job ${run % 5}` });
          if (run % 4 !== 0) await harness.receive(SOURCE, { body, headers: SIGNATURE });
        }),
        harness.idle(),
      ]);
      await harness.rounds.runAll();
      await harness.idle();
    };
    await Promise.all(open.map(work));
    for (const harness of open) await harness.idle();
    const once = Array.from({ length: RUNS }, (_, run) => [`run.${outcomeOf(run)} ${run}`, `run.completed ${run}`]);
    expect(received.filter((line) => !line.startsWith('run.recovered')).sort()).toEqual(once.flat().sort());
    const lines = open.flatMap(({ lines: all }) => all).filter((line) => /^(?:error|warn)/.test(line));
    expect(lines).toEqual([]);
  });
});
