import type { Bench } from '../bench.js';
import { Child } from '../child.js';
import { figure, ratio } from '../figures.js';
import type { Findings } from '../findings.js';

/** Measures how fast an app with the defaults and no other work handles a backlog of deliveries. */
export async function drain(bench: Bench): Promise<Findings> {
  const { rounds, backlog, flatBacklog, fewRows, manyRows } = bench.plan.drain;
  bench.print('drain, dbt payload');
  const rates: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const inbox = new DrainInbox(bench.newFile());
    await inbox.add(backlog, 'pending');
    rates.push(await inbox.drain(backlog));
    bench.print(`  ${backlog} deliveries: ${rates.at(-1)?.toFixed(0)}/s`);
  }
  const large = new DrainInbox(bench.newFile());
  await large.add(manyRows, 'settled');
  bench.print(`  filled with ${manyRows} finished deliveries`);
  const [few, many]: [number[], number[]] = [[], []];
  for (let round = 0; round < rounds; round += 1) {
    const small = new DrainInbox(bench.newFile());
    await small.add(fewRows, 'settled');
    for (const [inbox, found] of [
      [small, few],
      [large, many],
    ] as const) {
      await inbox.add(flatBacklog, 'pending');
      found.push(await inbox.drain(flatBacklog));
    }
    bench.print(`  beside ${fewRows}: ${few.at(-1)?.toFixed(0)}/s, beside ${manyRows}: ${many.at(-1)?.toFixed(0)}/s`);
  }
  return {
    targets: { drain_per_s: figure(rates), drain_flatness: ratio(many, few) },
    notes: [
      `Drain: ${backlog} due deliveries in a separate inbox. Flatness: ${flatBacklog} due beside ${fewRows} and ` +
        `beside ${manyRows} finished messages, each with its key, run, event, delivery and attempt: ` +
        `${figure(few).median.toFixed(0)}/s and ${figure(many).median.toFixed(0)}/s.`,
    ],
  };
}

class DrainInbox {
  readonly #path: string;
  #messages = 0;

  constructor(path: string) {
    this.#path = path;
  }

  async add(count: number, state: 'settled' | 'pending'): Promise<void> {
    const [child] = await Child.start('drain/fill.js', [this.#path, `${this.#messages}`, `${count}`, state]);
    await child.stop();
    this.#messages += count;
  }

  /** Returns deliveries per second. */
  async drain(count: number): Promise<number> {
    const [child, result] = await Child.start('drain/drain-app.js', [this.#path, `${count}`]);
    await child.stop();
    return (result as { perSecond: number }).perSecond;
  }
}
