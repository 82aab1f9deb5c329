import { Inbox, type EventSummary, type Page, type PageRequest, type RunSummary } from 'nestjs-runhooks';
import { TEST_SECRETS } from 'nestjs-runhooks/core';
import { dbtCloud } from 'nestjs-runhooks/dbt-cloud';
import { timers } from 'nestjs-runhooks/internal';
import { fakeDbtCloud, ManualClock, type FakeDbtCloud } from 'nestjs-runhooks/testing';
import { Random } from '../crash/random.js';
import { AppProcess } from './app-process.js';
import { planDisasters, type Disaster } from './disasters.js';
import type { InboxPlace } from './engines.js';
import { Gateway } from './gateway.js';
import { Ledger } from './ledger.js';
import type { Evidence } from './verify.js';
import { MINUTE_MS, World } from './world.js';

export interface SimulationOptions {
  readonly place: InboxPlace;
  /** Simulated days after the install. */
  readonly days: number;
  readonly jobs: number;
  readonly seed: number;
  /** Whether the apps run their rounds; `false` shows that the test notices when they do not. @default true */
  readonly sweeps?: boolean;
  /** Called for each simulated day. */
  readonly onDay?: (line: string) => void;
}

const START = new Date('2026-10-05T00:00:00.000Z');
const HOUR = 60;
const DAY = 24 * HOUR;
/** Minute of the install. Runs before it are history. */
const INSTALL = 12 * HOUR;
/** Minutes without new runs and without disasters at the end, in which everything left must be found. */
const QUIET = 5 * HOUR;
/** Chances per minute, after the first day. */
const KILL = 1 / 60;
const RATE_LIMIT_MINUTES = 5;
/** Steps of a process until it is killed, at most. */
const STEPS_MAX = 40;

/** Runs everything that {@link SimulationOptions} describe, and returns what came of it. */
export async function simulate(options: SimulationOptions): Promise<Evidence> {
  // Clients of APIs pause between calls and before repeats. On a clock that jumps, these pauses have passed.
  timers.pause = timers.turn;
  const clock = new ManualClock(START);
  const dbt = await fakeDbtCloud({ clock });
  const simulation = new Simulation(options, clock, dbt);
  try {
    return await simulation.run();
  } finally {
    await simulation.close();
  }
}

class Simulation {
  readonly #options: SimulationOptions;
  /** Clock of dbt Cloud, which is right. */
  readonly #clock: ManualClock;
  readonly #appClock = new ManualClock(START);
  readonly #dbt: FakeDbtCloud;
  readonly #random: Random;
  readonly #world: World;
  readonly #ledger = new Ledger();
  readonly #disasters: readonly Disaster[];
  readonly #killed = new Set<number>();
  readonly #buried: Promise<void>[] = [];
  #running: { readonly number: number; readonly app: AppProcess }[] = [];
  #gateway: Gateway | undefined;
  #started = 0;
  #minute = 0;
  #since: Date | undefined;
  #callsBefore = 0;
  readonly #callsADay: number[] = [];

  constructor(options: SimulationOptions, clock: ManualClock, dbt: FakeDbtCloud) {
    this.#options = options;
    this.#clock = clock;
    this.#dbt = dbt;
    this.#random = new Random(options.seed);
    this.#world = new World(dbt, this.#random, options.jobs, () => clock.now());
    const end = INSTALL + options.days * DAY;
    this.#world.plan(INSTALL, end - QUIET);
    this.#disasters = planDisasters(this.#random, INSTALL + DAY, end - QUIET);
  }

  async run(): Promise<Evidence> {
    const { days, sweeps } = this.#options;
    this.#gateway = await Gateway.open(() => this.#random.pick(this.#running)?.app);
    this.#resetFaults();
    while (this.#minute < INSTALL) await this.#pass();
    await this.#install();
    const end = INSTALL + days * DAY;
    while (this.#minute < end) await this.#step();
    await this.#endQuietly();
    if (sweeps !== false && this.#callsADay.length === 0) throw new Error('no day was complete');
    return await this.#evidence();
  }

  async close(): Promise<void> {
    for (const { app } of this.#running) await app.stop();
    await Promise.all(this.#buried);
    await this.#gateway?.close();
    await this.#dbt.close();
  }

  /** Lets a minute pass. */
  async #pass(): Promise<void> {
    this.#minute += 1;
    this.#clock.advance(MINUTE_MS);
    this.#appClock.advance(MINUTE_MS);
    await this.#world.tick();
    await this.#dbt.sendDue();
  }

  /** Starts the app for the first time, between two minutes, so that no run ends at this moment. */
  async #install(): Promise<void> {
    this.#clock.advance(MINUTE_MS / 2);
    this.#appClock.advance(MINUTE_MS / 2);
    this.#since = this.#clock.now();
    this.#world.subscribe(`${this.#gateway?.url}/webhooks/dbt`);
    await this.#startAll();
  }

  async #step(): Promise<void> {
    const sinceInstall = this.#minute - INSTALL;
    for (const disaster of this.#disasters) {
      if (disaster.from === this.#minute) await this.#begin(disaster);
      if (disaster.to === this.#minute) await this.#end(disaster);
    }
    if (!this.#isOn('down')) await this.#startAll();
    if (sinceInstall > DAY && this.#random.chance(KILL)) this.#kill();
    await this.#pass();
    await Promise.all(this.#running.map(({ app }) => app.work(this.#random.chance(0.7))));
    this.#bury();
    if ((sinceInstall + 1) % DAY === 0) this.#endDay((sinceInstall + 1) / DAY);
  }

  /** Runs out the delays of retries and of leases that a wrong clock has moved ahead. */
  async #endQuietly(): Promise<void> {
    this.#resetFaults();
    await this.#startAll();
    for (let step = 0; step < 12; step += 1) {
      this.#clock.advance(6 * HOUR * MINUTE_MS);
      this.#appClock.advance(6 * HOUR * MINUTE_MS);
      await this.#dbt.sendDue();
      for (const { app } of this.#running) await app.work(true);
    }
    if (this.#world.open > 0) throw new Error(`${this.#world.open} runs have not ended`);
  }

  async #begin({ kind, skewMs, to }: Disaster): Promise<void> {
    if (kind === 'down') await this.#stopAll();
    else if (kind === 'switched off') this.#world.switchSubscription(false);
    else if (kind === 'server errors') this.#fail();
    else if (kind === 'rate limit')
      this.#dbt.faults.rateLimit({ cooldownMs: (to - this.#minute) * RATE_LIMIT_MINUTES * MINUTE_MS });
    else this.#appClock.step(skewMs);
  }

  async #end({ kind, skewMs }: Disaster): Promise<void> {
    if (kind === 'switched off' && !this.#isOn(kind)) this.#world.switchSubscription(true);
    else if (kind === 'server errors' && !this.#isOn(kind)) this.#resetFaults();
    else if (kind.startsWith('clock')) this.#appClock.step(-skewMs);
  }

  #isOn(kind: Disaster['kind']): boolean {
    return this.#disasters.some((one) => one.kind === kind && one.from <= this.#minute && this.#minute < one.to);
  }

  /** The API of dbt Cloud as it is: lists lag, and fields change at every call. */
  #resetFaults(): void {
    const { faults } = this.#dbt;
    faults.clear();
    faults.lagLists();
    faults.changeFields();
  }

  #fail(): void {
    const { faults } = this.#dbt;
    for (let turn = 0; turn < 2_000; turn += 1) {
      faults.respond(503, { times: 3 });
      faults.html();
      faults.cut();
    }
  }

  async #startAll(): Promise<void> {
    const { place } = this.#options;
    while (this.#running.length < place.processes) {
      this.#started += 1;
      const number = this.#started;
      const app = await AppProcess.start({
        number,
        sources: [dbtCloud({ name: 'dbt', secrets: [TEST_SECRETS.dbtCloud], api: this.#dbt.options() })],
        inbox: place.connect(),
        clock: this.#appClock,
        ledger: this.#ledger,
        sweeps: this.#options.sweeps ?? true,
      });
      this.#running.push({ number, app });
    }
  }

  /** An outage begins with a graceful stop or with the end of the machine. */
  async #stopAll(): Promise<void> {
    if (this.#random.chance(0.5)) for (const { app } of this.#running) app.kill();
    else {
      for (const { app } of this.#running) await app.stop();
      this.#running = [];
    }
    this.#bury();
  }

  #kill(): void {
    const steps = Math.floor(this.#random.between(0, STEPS_MAX));
    this.#random.pick(this.#running)?.app.killAt(steps, this.#random.chance(0.5));
  }

  #bury(): void {
    for (const { number, app } of this.#running.filter((one) => one.app.isDead)) {
      this.#killed.add(number);
      this.#buried.push(app.bury());
    }
    this.#running = this.#running.filter(({ app }) => !app.isDead);
  }

  #endDay(day: number): void {
    const { calls } = this.#dbt;
    this.#callsADay.push(calls.length - this.#callsBefore);
    this.#callsBefore = calls.length;
    const { onDay, days, place } = this.#options;
    onDay?.(
      `${place.name}: day ${day}/${days}, runs ${this.#world.runs.size}, calls ${this.#callsADay.at(-1)}, ` +
        `kills ${this.#killed.size}, receipts ${this.#ledger.receipts.length}`,
    );
  }

  async #evidence(): Promise<Evidence> {
    const inbox = this.#running[0]?.app.app.get(Inbox);
    if (!inbox) throw new Error('no process runs');
    const runs = await allOf<RunSummary>((page) => inbox.runs({}, page));
    const events = await allOf<EventSummary>((page) => inbox.events({}, page));
    const { deliveries } = await inbox.counts();
    return {
      world: [...this.#world.runs.values()],
      // What the provider shows must be what was planned.
      statuses: new Map(this.#dbt.runs.map(({ id, status }) => [id, status])),
      webhooks: this.#dbt.webhooks,
      since: this.#since as Date,
      runs,
      events,
      unfinished: deliveries.pending + deliveries.dead,
      receipts: this.#ledger.receipts,
      killed: this.#killed,
      callsADay: this.#callsADay[0] ?? 0,
    };
  }
}

async function allOf<T>(list: (page: PageRequest) => Promise<Page<T>>): Promise<readonly T[]> {
  const items: T[] = [];
  let after: string | undefined;
  do {
    const page: Page<T> = await list({ limit: 1_000, ...(after !== undefined && { after }) });
    items.push(...page.items);
    after = page.next;
  } while (after !== undefined);
  return items;
}
