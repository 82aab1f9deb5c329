import type { Bench } from '../bench.js';
import { Child } from '../child.js';
import { figure, ratio } from '../figures.js';
import type { Findings } from '../findings.js';

/** A backlog of deliveries, worked off with the defaults by an app that does nothing else. */
export async function drain(bench: Bench): Promise<Findings> {
  const { rounds, backlog, flatBacklog, fewRows, manyRows } = bench.plan.drain;
  bench.say('drain, dbt payload');
  const rates: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const inbox = new DrainInbox(bench.newFile());
    await inbox.add(backlog, 'pending');
    rates.push(await inbox.drain(backlog));
    bench.say(`  ${backlog} deliveries: ${rates.at(-1)?.toFixed(0)}/s`);
  }
  const large = new DrainInbox(bench.newFile());
  await large.add(manyRows, 'settled');
  bench.say(`  filled with ${manyRows} settled deliveries`);
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
    bench.say(`  beside ${fewRows}: ${few.at(-1)?.toFixed(0)}/s, beside ${manyRows}: ${many.at(-1)?.toFixed(0)}/s`);
  }
  return {
    targets: { drain_per_s: figure(rates), drain_flatness: ratio(many, few) },
    notes: [
      `Drain: ${backlog} deliveries due in an inbox of their own. Flatness: ${flatBacklog} due beside ${fewRows} and ` +
        `beside ${manyRows} settled messages, each with its key, run, event, delivery and attempt: ` +
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

  /** Deliveries per second. */
  async drain(count: number): Promise<number> {
    const [child, result] = await Child.start('drain/drain-app.js', [this.#path, `${count}`]);
    await child.stop();
    return (result as { perSecond: number }).perSecond;
  }
}
