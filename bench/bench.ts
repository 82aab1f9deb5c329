import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Child } from './child.js';
import { Contender } from './contender.js';
import type { ContenderName } from './contenders/contenders.js';
import type { LoadOrder, LoadResult } from './load/load.js';
import type { Plan } from './plan.js';

/** Number of connections of the load. */
export const CONNECTIONS = 50;

type FilledIn = 'port' | 'connections' | 'firstNumber';

/** One run with its load, the started contenders, and their files. */
export class Bench {
  readonly plan: Plan;
  readonly print: (line: string) => void;
  readonly #directory: string;
  readonly #load: Child;
  readonly #contenders: Contender[] = [];
  #numbers = 0;
  #files = 0;

  private constructor(plan: Plan, print: (line: string) => void, directory: string, load: Child) {
    this.plan = plan;
    this.print = print;
    this.#directory = directory;
    this.#load = load;
  }

  static async open(plan: Plan, directory: string | undefined, print: (line: string) => void): Promise<Bench> {
    const own = mkdtempSync(join(directory ?? tmpdir(), 'runhooks-bench-'));
    const [load] = await Child.start('load/load.js', []);
    return new Bench(plan, print, own, load);
  }

  /** Returns the path of a new file. */
  newFile(ending = 'db'): string {
    this.#files += 1;
    return join(this.#directory, `${this.#files}.${ending}`);
  }

  async start(name: ContenderName, env: NodeJS.ProcessEnv = {}): Promise<Contender> {
    const place = { file: this.newFile(), name: `bench_${process.pid}_${this.#files}` };
    const [child, hello] = await Child.start('contenders/serve.js', [name, JSON.stringify(place)], env);
    const contender = new Contender(name, child, (hello as { port: number }).port);
    this.#contenders.push(contender);
    return contender;
  }

  /** Runs an order against a contender, with messages that were never sent before. */
  async load<Order extends LoadOrder>(contender: Contender, order: Omit<Order, FilledIn>): Promise<LoadResult<Order>> {
    const firstNumber = this.#numbers;
    this.#numbers += order.requests;
    contender.sent += order.requests;
    const whole = { ...order, port: contender.port, connections: CONNECTIONS, firstNumber };
    const result = (await this.#load.ask(whole)) as LoadResult<Order>;
    if (result.failures > 0) {
      throw new Error(`${contender.name}: ${result.failures} of ${order.requests} requests failed`);
    }
    return result;
  }

  /** Ends the contenders of a scenario. */
  async stopContenders(): Promise<void> {
    for (const contender of this.#contenders.splice(0)) await contender.stop();
  }

  async close(): Promise<void> {
    await this.stopContenders();
    await this.#load.stop();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}
