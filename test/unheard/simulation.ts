import { Inbox, type EventSummary, type RunSummary } from 'nestjs-runhooks';
import { timers } from 'nestjs-runhooks/internal';
import { ManualClock, type FakeFaults } from 'nestjs-runhooks/testing';
import { Random } from '../crash/random.js';
import { allOf } from '../simulation/all-of.js';
import { AppProcess } from '../simulation/app-process.js';
import type { InboxPlace } from '../simulation/engines.js';
import { Fleet } from '../simulation/fleet.js';
import { Gateway } from '../simulation/gateway.js';
import { dbtAccount, paradimeAccount, type Account } from './account.js';
import { planDisasters, type Disaster } from './disasters.js';
import { Ledger } from './ledger.js';
import { ProcessLedger, UnheardApp } from './unheard-app.js';
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

/** Runs everything that {@link SimulationOptions} describe, and returns what came of it, by source. */
export async function simulate(options: SimulationOptions): Promise<ReadonlyMap<string, Evidence>> {
  // Clients of APIs pause between calls and before repeats. On a clock that jumps, these pauses have passed.
  timers.pause = timers.turn;
  const clock = new ManualClock(START);
  const accounts = [await dbtAccount(clock), await paradimeAccount(clock)];
  const simulation = new Simulation(options, clock, accounts);
  try {
    return await simulation.run();
  } finally {
    await simulation.close();
  }
}

class Simulation {
  readonly #options: SimulationOptions;
  /** Clock of the providers, which is right. */
  readonly #clock: ManualClock;
  readonly #appClock = new ManualClock(START);
  readonly #accounts: readonly Account[];
  readonly #random: Random;
  /** One for each account. */
  readonly #worlds: readonly World[];
  readonly #ledger = new Ledger();
  readonly #disasters: readonly Disaster[];
  readonly #fleet: Fleet;
  #gateway: Gateway | undefined;
  #minute = 0;
  #since: Date | undefined;
  /** Calls of the first day, by account. */
  #firstDay: readonly number[] | undefined;

  constructor(options: SimulationOptions, clock: ManualClock, accounts: readonly Account[]) {
    this.#options = options;
    this.#clock = clock;
    this.#accounts = accounts;
    this.#random = new Random(options.seed);
    this.#fleet = new Fleet(options.place.processes, (number) => this.#start(number));
    this.#worlds = accounts.map(
      (account) => new World(account, this.#random, Math.max(10, options.jobs * account.share), () => clock.now()),
    );
    const end = INSTALL + Math.round(options.days * DAY);
    for (const world of this.#worlds) world.plan(INSTALL, end - QUIET);
    this.#disasters = planDisasters(this.#random, INSTALL + DAY, end - QUIET);
  }

  async run(): Promise<ReadonlyMap<string, Evidence>> {
    const { days } = this.#options;
    this.#gateway = await Gateway.open(() => this.#random.pick(this.#fleet.running)?.app);
    this.#resetFaults();
    while (this.#minute < INSTALL) await this.#pass();
    await this.#install();
    const end = INSTALL + Math.round(days * DAY);
    while (this.#minute < end) await this.#step();
    await this.#endQuietly();
    return await this.#evidence();
  }

  async close(): Promise<void> {
    await this.#fleet.close();
    await this.#gateway?.close();
    for (const account of this.#accounts) await account.close();
  }

  /** Lets a minute pass. */
  async #pass(): Promise<void> {
    this.#minute += 1;
    this.#clock.advance(MINUTE_MS);
    this.#appClock.advance(MINUTE_MS);
    for (const world of this.#worlds) await world.tick();
    for (const account of this.#accounts) await account.sendDue();
  }

  /** Starts the app for the first time, between two minutes, so that no run ends at this moment. */
  async #install(): Promise<void> {
    this.#clock.advance(MINUTE_MS / 2);
    this.#appClock.advance(MINUTE_MS / 2);
    this.#since = this.#clock.now();
    for (const world of this.#worlds) world.subscribe(this.#gateway?.url ?? '');
    await this.#fleet.startAll();
  }

  async #step(): Promise<void> {
    const sinceInstall = this.#minute - INSTALL;
    for (const disaster of this.#disasters) {
      if (disaster.from === this.#minute) await this.#begin(disaster);
      if (disaster.to === this.#minute) await this.#end(disaster);
    }
    if (!this.#isOn('down')) await this.#fleet.startAll();
    if (sinceInstall > DAY && this.#random.chance(KILL)) this.#kill();
    await this.#pass();
    await this.#work();
    this.#fleet.bury();
    if ((sinceInstall + 1) % DAY === 0) this.#endDay((sinceInstall + 1) / DAY);
  }

  /** At least one process works in each minute, and often several at the same time. */
  async #work(): Promise<void> {
    const first = this.#random.pick(this.#fleet.running);
    const working = this.#fleet.running.filter((one) => one === first || this.#random.chance(0.3));
    await Promise.all(working.map(({ app }) => app.work(this.#random.chance(0.5))));
  }

  /** Runs out the delays of retries and of leases that a wrong clock has moved ahead. */
  async #endQuietly(): Promise<void> {
    this.#resetFaults();
    this.#fleet.bury();
    this.#fleet.spare();
    await this.#fleet.startAll();
    for (let step = 0; step < 12; step += 1) {
      this.#clock.advance(6 * HOUR * MINUTE_MS);
      this.#appClock.advance(6 * HOUR * MINUTE_MS);
      for (const account of this.#accounts) await account.sendDue();
      for (const { app } of this.#fleet.running) await app.work(true);
    }
    const open = this.#worlds.reduce((sum, world) => sum + world.open, 0);
    if (open > 0) throw new Error(`${open} runs have not ended`);
  }

  async #begin({ kind, skewMs, to }: Disaster): Promise<void> {
    if (kind === 'down') await this.#stopAll();
    else if (kind === 'switched off') this.#switchSubscriptions(false);
    else if (kind === 'server errors') this.#fail();
    else if (kind === 'rate limit')
      for (const { faults } of this.#accounts)
        faults.rateLimit({ cooldownMs: (to - this.#minute) * RATE_LIMIT_MINUTES * MINUTE_MS });
    else this.#appClock.step(skewMs);
  }

  async #end({ kind, skewMs }: Disaster): Promise<void> {
    if (kind === 'switched off' && !this.#isOn(kind)) this.#switchSubscriptions(true);
    else if (kind === 'server errors' && !this.#isOn(kind)) this.#resetFaults();
    else if (kind.startsWith('clock')) this.#appClock.step(-skewMs);
  }

  #isOn(kind: Disaster['kind']): boolean {
    return this.#disasters.some((one) => one.kind === kind && one.from <= this.#minute && this.#minute < one.to);
  }

  #switchSubscriptions(on: boolean): void {
    for (const world of this.#worlds) world.switchSubscription(on);
  }

  /** The APIs as they are: lists lag, and fields change at every call. */
  #resetFaults(): void {
    for (const { faults } of this.#accounts) {
      faults.clear();
      faults.lagLists();
      faults.changeFields();
    }
  }

  #fail(): void {
    for (const { faults } of this.#accounts) failFor(faults);
  }

  #start(number: number): Promise<AppProcess> {
    return AppProcess.start({
      inbox: this.#options.place.connect(),
      module: (inbox, isDead) =>
        UnheardApp.with({
          sources: this.#accounts.map((account) => account.open()),
          inbox,
          clock: this.#appClock,
          ledger: new ProcessLedger(this.#ledger, number, isDead),
        }),
      sweeps: this.#options.sweeps ?? true,
    });
  }

  /** An outage begins with a graceful stop or with the end of the machine. */
  async #stopAll(): Promise<void> {
    await this.#fleet.stopAll(this.#random.chance(0.5));
  }

  #kill(): void {
    const steps = Math.floor(this.#random.between(0, STEPS_MAX));
    this.#random.pick(this.#fleet.running)?.app.killAt(steps, this.#random.chance(0.5));
  }

  #endDay(day: number): void {
    const calls = this.#accounts.map((account) => account.calls);
    this.#firstDay ??= calls;
    const runs = this.#worlds.map((world) => world.runs.size).join(' + ');
    const { onDay, days, place } = this.#options;
    onDay?.(
      `${place.name}: day ${day}/${days}, runs ${runs}, calls ${calls.join(' + ')}, ` +
        `kills ${this.#fleet.killed.size}, receipts ${this.#ledger.receipts.length}`,
    );
  }

  async #evidence(): Promise<ReadonlyMap<string, Evidence>> {
    const inbox = this.#fleet.running[0]?.app.app.get(Inbox);
    if (!inbox) throw new Error('no process runs');
    const runs = await allOf<RunSummary>((page) => inbox.runs({}, page));
    const events = await allOf<EventSummary>((page) => inbox.events({}, page));
    const { deliveries } = await inbox.counts();
    const found = this.#accounts.map((account, index): [string, Evidence] => {
      const { source, wanted, hasStrangers, webhooks } = account;
      const isOwn = (one: { readonly source: string }): boolean => one.source === source;
      return [
        source,
        {
          world: [...(this.#worlds[index] as World).runs.values()],
          outcomes: account.outcomes(),
          wanted,
          hasStrangers,
          webhooks,
          since: this.#since as Date,
          runs: runs.filter(isOwn),
          events: events.filter(isOwn),
          unfinished: deliveries.pending + deliveries.dead,
          receipts: this.#ledger.receipts.filter(isOwn),
          killed: this.#fleet.killed,
          callsADay: this.#firstDay?.[index] ?? 0,
        },
      ];
    });
    return new Map(found);
  }
}

/** Fails every call in one of several ways. */
function failFor(faults: FakeFaults): void {
  for (let turn = 0; turn < 2_000; turn += 1) {
    faults.respond(503, { times: 3 });
    faults.html();
    faults.cut();
  }
}
