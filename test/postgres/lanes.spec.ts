import { afterEach, expect, it } from '@jest/globals';
import { DispatchHarness } from '../dispatch/dispatch-harness.js';
import { onPostgres, Schemas } from './server.js';

const RUNS = 30;
const JOBS = 3;

onPostgres('lanes shared by several processes', () => {
  const schemas = new Schemas();
  const benches: DispatchHarness[] = [];
  afterEach(async () => {
    for (const harness of benches.splice(0)) await harness.close();
  });

  async function processes(count: number): Promise<DispatchHarness[]> {
    const schema = schemas.next();
    for (let index = 0; index < count; index += 1) {
      const store = await schemas.open({ schema, notify: false, connectionsMax: 4 });
      benches.push(await DispatchHarness.open({ store, ...(benches[0] && { clock: benches[0].clock }) }));
    }
    return benches;
  }

  /** Works in all processes at the same time until no work is left. */
  async function workAll(): Promise<void> {
    do await Promise.all(benches.map((harness) => harness.idle()));
    while ((await benches[0]!.inbox.counts()).deliveries.pending > 0);
  }

  it('run deliveries one at a time in recorded order, including retries', async () => {
    const all = await processes(4);
    const running = new Set<string>();
    const handled = new Map<string, string[]>();
    let overlaps = 0;
    for (const harness of all) {
      harness.on(
        'handler',
        async (event, delivery) => {
          const job = 'run' in event && event.run ? event.run.job.key : '';
          if (running.has(job)) overlaps += 1;
          running.add(job);
          await new Promise((resolve) => setImmediate(resolve));
          running.delete(job);
          if (delivery.attempt === 1 && delivery.id.endsWith('0')) throw new Error('once more');
          handled.set(job, [...(handled.get(job) ?? []), delivery.id]);
        },
        { serialize: 'job', types: ['run.succeeded'] },
      );
    }
    // Messages are sent, parsed and handled at the same time, by any process.
    const sending = Array.from({ length: RUNS * JOBS }, async (_, index) => {
      await all[index % all.length]!.send({ run: `${index}`, job: `job-${index % JOBS}`, types: ['run.succeeded'] });
      await all[(index + 1) % all.length]!.idle();
    });
    await Promise.all(sending);
    await workAll();
    expect(overlaps).toBe(0);
    const recorded = await all[0]!.deliveries('handler');
    expect(recorded).toHaveLength(RUNS * JOBS);
    const orders = await schemas.query<{ lane: string; ids: string[] }>(
      `select lane, array_agg(id order by seq) as ids from "${schemas.last}".deliveries group by lane`,
    );
    expect(orders).toHaveLength(JOBS);
    expect(new Set(handled.values())).toEqual(new Set(orders.map(({ ids }) => ids)));
  });

  it('run deliveries one at a time when dead letters return to the front of their lane', async () => {
    const all = await processes(3);
    const running = new Set<string>();
    let overlaps = 0;
    for (const harness of all) {
      harness.on(
        'handler',
        async (event, delivery) => {
          const job = 'run' in event && event.run ? event.run.job.key : '';
          if (running.has(job)) overlaps += 1;
          running.add(job);
          await new Promise((resolve) => setImmediate(resolve));
          running.delete(job);
          if (delivery.attempt < 3) throw new Error('a dead letter');
        },
        { serialize: 'job', types: ['run.succeeded'], retry: false },
      );
    }
    for (let index = 0; index < RUNS; index += 1)
      await all[0]!.send({ run: `${index}`, job: 'job', types: ['run.succeeded'] });
    const redriving = (async () => {
      for (let round = 0; round < 200; round += 1) {
        await all[round % 3]!.inbox.redrive({ by: 'me' });
        if ((await all[0]!.inbox.counts()).deliveries.succeeded === RUNS) return;
      }
    })();
    let isOver = false;
    void redriving.then(() => (isOver = true));
    while (!isOver) await Promise.all(all.map((harness) => harness.idle()));
    await workAll();
    expect(overlaps).toBe(0);
  });
});
