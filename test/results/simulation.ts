import { Inbox } from 'nestjs-runhooks';
import { timers } from 'nestjs-runhooks/internal';
import { ManualClock } from 'nestjs-runhooks/testing';
import { Random } from '../crash/random.js';
import { allOf } from '../simulation/all-of.js';
import { AppProcess } from '../simulation/app-process.js';
import type { InboxPlace } from '../simulation/engines.js';
import { Fleet } from '../simulation/fleet.js';
import { Gateway } from '../simulation/gateway.js';
import { dbtAccount, paradimeAccount, type Account } from './world/account.js';
import { planDisasters, type Disaster } from './disasters.js';
import { runKeyOf, type Evidence } from './evidence.js';
import { Journal } from './journal.js';
import { Ledger, ProcessLedger } from './ledger.js';
import { ResultsApp } from './results-app.js';
import { World } from './world/world.js';

export interface SimulationOptions {
  readonly place: InboxPlace;
  /** Runs of all accounts, besides some before the install and retries. */
  readonly runs: number;
  readonly seed: number;
  /** Called for each simulated day. */
  readonly onDay?: (line: string) => void;
}

const START = new Date('2026-10-05T00:00:00.000Z');
const MINUTE_MS = 60_000;
/** Duration of a step of the simulation, in which every process works once. */
const STEP_MS = 10 * MINUTE_MS;
const HOUR = 6;
const DAY = 24 * HOUR;
const RUNS_A_DAY = 200;
/** Time between two seasons in which nothing runs. After it, no incident is open any more. */
const HOLIDAYS_MS = 31 * 24 * 60 * MINUTE_MS;
const SEASONS = 2;
/** Step of the install. Runs before it are history. */
const INSTALL = 4 * HOUR;
/** Steps after the install in which every job runs once, and nothing fails. */
const WARM_UP = 4 * HOUR;
/** Chances per step, after the warm-up. */
const KILL = 1 / 15;
const FLAKY_FILES = 1 / 20;
/** Steps of a process until it is killed, at most. */
const STEPS_MAX = 60;

/** Runs everything that {@link SimulationOptions} describe, and returns what came of it. */
export async function simulate(options: SimulationOptions): Promise<Evidence> {
  // Clients of APIs pause between calls and before repeats. On a clock that jumps, these pauses have passed.
  timers.pause = timers.turn;
  const clock = new ManualClock(START);
  const simulation = new Simulation(options, clock, [await dbtAccount(clock), await paradimeAccount(clock)]);
  try {
    return await simulation.run();
  } finally {
    await simulation.close();
  }
}

class Simulation {
  readonly #options: SimulationOptions;
  readonly #clock: ManualClock;
  readonly #accounts: readonly Account[];
  readonly #random: Random;
  readonly #world: World;
  readonly #ledger = new Ledger();
  readonly #journal: Journal;
  #disasters: readonly Disaster[] = [];
  readonly #fleet: Fleet;
  #gateway: Gateway | undefined;
  #step = 0;
  #since = START;

  constructor(options: SimulationOptions, clock: ManualClock, accounts: readonly Account[]) {
    this.#options = options;
    this.#clock = clock;
    this.#accounts = accounts;
    this.#random = new Random(options.seed);
    this.#fleet = new Fleet(options.place.processes, (number) => this.#start(number));
    this.#journal = new Journal(() => clock.now());
    this.#world = new World(accounts, this.#random, clock);
    this.#world.planOneEach(1);
    this.#world.planOneEach(INSTALL + 1);
  }

  async run(): Promise<Evidence> {
    this.#gateway = await Gateway.open(() => this.#random.pick(this.#fleet.running)?.app);
    this.#resetFaults();
    while (this.#step < INSTALL) await this.#pass();
    await this.#install();
    while (this.#step < INSTALL + WARM_UP || this.#world.isBusy) await this.#turn();
    for (let season = 0; season < SEASONS; season += 1) {
      if (season > 0) this.#clock.advance(HOLIDAYS_MS);
      await this.#season((this.#options.runs - this.#world.jobs) / SEASONS);
      await this.#endQuietly();
    }
    return await this.#evidence();
  }

  async close(): Promise<void> {
    await this.#fleet.close();
    await this.#gateway?.close();
    for (const account of this.#accounts) await account.close();
  }

  /** Lets the time of a step pass. */
  async #pass(): Promise<void> {
    this.#step += 1;
    const endMs = this.#clock.now().getTime() + STEP_MS;
    await this.#world.tick();
    this.#clock.advance(endMs - this.#clock.now().getTime());
    for (const account of this.#accounts) await account.sendDue();
  }

  /** Starts the app for the first time. */
  async #install(): Promise<void> {
    this.#since = this.#clock.now();
    for (const account of this.#accounts) account.subscribe(this.#gateway?.url ?? '');
    await this.#fleet.startAll();
  }

  /** Lets things run and go wrong for some days. */
  async #season(runs: number): Promise<void> {
    const end = this.#step + Math.ceil((runs / RUNS_A_DAY) * DAY);
    this.#world.plan(Math.max(1, Math.round(runs)), this.#step + 1, end);
    this.#disasters = planDisasters(this.#random, this.#step, end, HOUR);
    while (this.#step < end) await this.#turn(true);
    while (this.#world.isBusy) await this.#turn();
  }

  async #turn(isRough = false): Promise<void> {
    for (const disaster of this.#disasters) {
      if (disaster.from === this.#step) await this.#begin(disaster);
      if (disaster.to === this.#step) this.#finish(disaster);
    }
    if (!this.#isOn('down')) await this.#fleet.startAll();
    if (isRough && this.#random.chance(KILL)) this.#kill();
    if (isRough && this.#random.chance(FLAKY_FILES)) this.#loseSomeFiles();
    await this.#pass();
    await this.#work();
    this.#fleet.bury();
    const sinceInstall = this.#step - INSTALL;
    if (sinceInstall % DAY === 0) this.#report(sinceInstall / DAY);
  }

  /** At least one process works in each step, and often several at the same time. */
  async #work(): Promise<void> {
    const first = this.#random.pick(this.#fleet.running);
    const working = this.#fleet.running.filter((one) => one === first || this.#random.chance(0.6));
    await Promise.all(working.map(({ app }) => app.work(this.#random.chance(0.5))));
  }

  /** Runs out the delays of webhooks, of retries, of waiting, and of leases. */
  async #endQuietly(): Promise<void> {
    this.#resetFaults();
    this.#fleet.bury();
    this.#fleet.spare();
    await this.#fleet.startAll();
    for (let turn = 0; turn < 12; turn += 1) {
      this.#clock.advance(HOUR * STEP_MS);
      for (const account of this.#accounts) await account.sendDue();
      for (const { app } of this.#fleet.running) await app.work(true);
    }
  }

  async #begin({ kind, to }: Disaster): Promise<void> {
    if (kind === 'down') await this.#stopAll();
    else if (kind === 'server errors')
      for (const { faults } of this.#accounts) faults.respond(503, { times: Infinity });
    else {
      const cooldownMs = (to - this.#step) * STEP_MS;
      for (const { faults } of this.#accounts) faults.rateLimit({ cooldownMs, retryAfter: this.#random.chance(0.5) });
    }
  }

  #finish({ kind }: Disaster): void {
    if (kind === 'server errors' && !this.#isOn(kind)) this.#resetFaults();
  }

  #isOn(kind: Disaster['kind']): boolean {
    return this.#disasters.some((one) => one.kind === kind && one.from <= this.#step && this.#step < one.to);
  }

  /** Fails some downloads, so that the results of later runs overtake those of earlier ones. */
  #loseSomeFiles(): void {
    const times = Math.floor(this.#random.between(1, 12));
    for (const { faults } of this.#accounts) {
      faults.respond(503, { path: /run_results|sources\.json|\/files\//, times });
    }
  }

  /** The APIs as they are: lists lag, and fields change at every call. */
  #resetFaults(): void {
    for (const { faults } of this.#accounts) {
      faults.clear();
      faults.lagLists();
      faults.changeFields();
    }
  }

  #start(number: number): Promise<AppProcess> {
    return AppProcess.start({
      inbox: this.#journal.watch(this.#options.place.connect()),
      module: (inbox, isDead) =>
        ResultsApp.with({
          sources: this.#accounts.map((account) => account.open()),
          inbox,
          clock: this.#clock,
          ledger: new ProcessLedger(this.#ledger, number, isDead),
        }),
      sweeps: true,
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

  #report(day: number): void {
    const { onDay, place } = this.#options;
    onDay?.(
      `${place.name}: day ${day}, runs ${this.#world.runs.length}, kills ${this.#fleet.killed.size}, ` +
        `receipts ${this.#ledger.receipts.length}`,
    );
  }

  async #evidence(): Promise<Evidence> {
    const inbox = this.#fleet.running[0]?.app.app.get(Inbox);
    if (!inbox) throw new Error('no process runs');
    const accountIds = new Map(this.#accounts.map(({ source, id }) => [source, id]));
    const results: [string, Awaited<ReturnType<Inbox['results']>>][] = [];
    for (const run of this.#world.runs) {
      const { source, id: runId } = run;
      const found = await inbox.results({ source, accountId: accountIds.get(source) ?? '', runId });
      results.push([runKeyOf(run), found]);
    }
    const { deliveries } = await inbox.counts();
    return {
      world: this.#world.runs,
      since: this.#since,
      now: this.#clock.now(),
      results: new Map(results),
      events: await allOf((page) => inbox.events({}, page)),
      openNodes: await allOf((page) => inbox.nodes({ hasIncident: true }, page)),
      journal: this.#journal.entries,
      receipts: this.#ledger.receipts,
      killed: this.#fleet.killed,
      unfinished: deliveries.pending + deliveries.dead,
    };
  }
}
