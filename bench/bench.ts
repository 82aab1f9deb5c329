import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Child } from './child.js';
import { Contender } from './contender.js';
import type { ContenderName, ContenderPlace } from './contenders/contenders.js';
import type { LoadOrder, LoadResult } from './load/load.js';
import { NEEDED_SERVERS } from './needed-servers.js';
import type { Plan } from './plan.js';
import { schemaName } from './servers/given-postgres.js';
import type { Server, ServerName } from './servers/server.js';
import { Servers } from './servers/servers.js';

/** Number of connections of the load. */
export const CONNECTIONS = 50;

type FilledIn = 'port' | 'connections' | 'firstNumber';

/** One run with its load, its servers, the started contenders, and their files. */
export class Bench {
  readonly plan: Plan;
  readonly print: (line: string) => void;
  readonly #directory: string;
  readonly #load: Child;
  readonly #servers: Servers;
  readonly #contenders: Contender[] = [];
  #numbers = 0;
  #files = 0;

  private constructor(plan: Plan, print: (line: string) => void, parent: string, load: Child) {
    this.plan = plan;
    this.print = print;
    this.#directory = mkdtempSync(join(parent, 'runhooks-bench-'));
    this.#servers = new Servers(parent);
    this.#load = load;
  }

  static async open(plan: Plan, directory: string | undefined, print: (line: string) => void): Promise<Bench> {
    const [load] = await Child.start('load/load.js', []);
    return new Bench(plan, print, directory ?? tmpdir(), load);
  }

  /** Returns the path of a new file. */
  newFile(ending = 'db'): string {
    this.#files += 1;
    return join(this.#directory, `${this.#files}.${ending}`);
  }

  /** Returns why a contender cannot be started here, or undefined if it can. */
  absenceOf(name: ContenderName): string | undefined {
    return (NEEDED_SERVERS[name] ?? []).map((server) => Servers.absenceOf(server)).find(Boolean);
  }

  async start(name: ContenderName, env: NodeJS.ProcessEnv = {}): Promise<Contender> {
    const servers = new Map<ServerName, Server>();
    for (const needed of NEEDED_SERVERS[name] ?? []) servers.set(needed, await this.#servers.get(needed));
    const place: ContenderPlace = {
      file: this.newFile(),
      name: schemaName(this.#files),
      postgresUrl: servers.get('postgres')?.url ?? '',
      redisUrl: (servers.get('redis-always') ?? servers.get('redis-everysec'))?.url ?? '',
    };
    const [child, hello] = await Child.start('contenders/serve.js', [name, JSON.stringify(place)], env);
    const contender = new Contender(name, child, (hello as { port: number }).port, [...servers.values()]);
    this.#contenders.push(contender);
    return contender;
  }

  /** Runs an order against a contender, with messages that were never sent before. */
  async load<Order extends LoadOrder>(contender: Contender, order: Omit<Order, FilledIn>): Promise<LoadResult<Order>> {
    const firstNumber = this.#numbers;
    this.#numbers += order.requests;
    contender.sent += order.requests;
    return await this.#send(contender, order, firstNumber);
  }

  /** Runs an order with the messages of the latest order, which the contender must recognize as duplicates. */
  async loadAgain<Order extends LoadOrder>(contender: Contender, order: Omit<Order, FilledIn>): Promise<void> {
    await this.#send(contender, order, this.#numbers - order.requests);
  }

  /** Ends the contenders of a scenario. */
  async stopContenders(): Promise<void> {
    for (const contender of this.#contenders.splice(0)) await contender.stop();
  }

  async close(): Promise<void> {
    await this.stopContenders();
    await this.#load.stop();
    await this.#servers.stop();
    rmSync(this.#directory, { recursive: true, force: true });
  }

  async #send<Order extends LoadOrder>(
    contender: Contender,
    order: Omit<Order, FilledIn>,
    firstNumber: number,
  ): Promise<LoadResult<Order>> {
    const whole = { ...order, port: contender.port, connections: CONNECTIONS, firstNumber };
    const result = (await this.#load.ask(whole)) as LoadResult<Order>;
    if (result.failures > 0) {
      throw new Error(`${contender.name}: ${result.failures} of ${order.requests} requests failed`);
    }
    return result;
  }
}
