import { Inbox, type ActionSummary } from 'nestjs-runhooks';
import type { JobState } from 'nestjs-runhooks/core';
import { timers } from 'nestjs-runhooks/internal';
import { ManualClock } from 'nestjs-runhooks/testing';
import { Random } from '../crash/random.js';
import { allOf } from '../simulation/all-of.js';
import { AppProcess } from '../simulation/app-process.js';
import type { InboxPlace } from '../simulation/engines.js';
import { Fleet } from '../simulation/fleet.js';
import { Gateway } from '../simulation/gateway.js';
import { dbtAccount, paradimeAccount, type Account } from './account.js';
import { ActionsApp, Downstream } from './actions-app.js';
import { AppClock } from './app-clock.js';
import { CallTimeouts } from './call-timeouts.js';
import type { Evidence, KnownRun } from './evidence.js';
import { Ledger, ProcessLedger } from './ledger.js';
import { Network, TROUBLES, type Traffic, type Trouble } from './network.js';
import { keyOf, World } from './world.js';

export interface SimulationOptions {
  readonly place: InboxPlace;
  /** Smallest number of actions that handlers ask for. */
  readonly actions: number;
  readonly seed: number;
  /** Called from time to time. */
  readonly onProgress?: (line: string) => void;
}

const START = new Date('2026-10-05T00:00:00.000Z');
const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
/** Processes that share the inbox. */
const PROCESSES = 2;
/** Shortest and longest duration of a step, in which every process works once. */
const STEP_MS = [5 * SECOND_MS, 35 * SECOND_MS] as const;
/** Chances per step. */
const RUN_BEGINS = 0.7;
const KILL = 1 / 12;
const WEBHOOKS_ARE_FAULTY = 1 / 8;
const LISTS_LAG = 1 / 3;
const CLOCK_IS_SET = 1 / 40;
/** Chance of a request that only reads. */
const READ_FAILS = 1 / 30;
/** Share of the requests that something happens to. */
const TROUBLE = 0.7;
/** Calls of the inbox about actions until a process is killed, at most: all of an action that is looked for. */
const ACTION_CALLS = 6;
/** Time after which an operator looks at an action that is unknown. */
const OPERATOR_MS = 10 * MINUTE_MS;

/** Runs everything that {@link SimulationOptions} describe, and returns what came of it. */
export async function simulate(options: SimulationOptions): Promise<Evidence> {
  // Clients of APIs pause between calls and before repeats. On a clock that jumps, these pauses have passed.
  timers.pause = timers.turn;
  const timeouts = new CallTimeouts();
  const clock = new ManualClock(START);
  const simulation = new Simulation(options, clock, timeouts, [await dbtAccount(clock), await paradimeAccount(clock)]);
  try {
    return await simulation.run();
  } finally {
    await simulation.close();
    timeouts.restore();
  }
}

class Simulation {
  readonly #options: SimulationOptions;
  /** Clock of the providers. */
  readonly #clock: ManualClock;
  readonly #appClock: AppClock;
  readonly #timeouts: CallTimeouts;
  readonly #accounts: readonly Account[];
  readonly #random: Random;
  readonly #ledger: Ledger;
  readonly #world: World;
  readonly #fleet: Fleet;
  readonly #traffic: Traffic = { requests: [], looks: [] };
  readonly #networks: Network[] = [];
  /** Troubles that come next, each of them as often as the others. */
  #troubles: Trouble[] = [];
  /** When an action was first seen to be unknown. */
  readonly #unknownSince = new Map<string, Date>();
  readonly #sentAgain = new Set<string>();
  readonly #refusedUntil = new Map<string, Date>();
  #gateway: Gateway | undefined;
  #isRough = true;
  #takenOver = 0;
  #rightAt = START;
  #steps = 0;

  constructor(options: SimulationOptions, clock: ManualClock, timeouts: CallTimeouts, accounts: readonly Account[]) {
    this.#options = options;
    this.#clock = clock;
    this.#appClock = new AppClock(clock);
    this.#timeouts = timeouts;
    this.#accounts = accounts;
    this.#random = new Random(options.seed);
    this.#ledger = new Ledger(() => this.#appClock.latestNow());
    this.#world = new World(accounts, this.#random, (source, runId) =>
      this.#ledger.receipts.some((receipt) => receipt.source === source && receipt.runId === runId),
    );
    this.#fleet = new Fleet(PROCESSES, (number) => this.#start(number));
  }

  async run(): Promise<Evidence> {
    this.#gateway = await Gateway.open(() => this.#random.pick(this.#fleet.running)?.app);
    await this.#fleet.startAll();
    for (const account of this.#accounts) account.subscribe(this.#gateway.url);
    // Runs that end before the first sweep would be history.
    for (const { app } of this.#fleet.running) await app.work(true);
    while (this.#receipts < this.#options.actions) {
      if (this.#random.chance(RUN_BEGINS)) this.#world.begin();
      await this.#turn();
    }
    await this.#endQuietly();
    return await this.#evidence();
  }

  async close(): Promise<void> {
    await this.#fleet.close();
    await this.#gateway?.close();
    for (const network of this.#networks) await network.close();
    for (const account of this.#accounts) await account.close();
  }

  /** Number of actions that a handler was told the end of. */
  get #receipts(): number {
    return new Set(this.#ledger.receipts.map(({ deliveryId }) => deliveryId)).size;
  }

  async #turn(): Promise<void> {
    this.#steps += 1;
    await this.#fleet.startAll();
    if (this.#isRough) this.#disturb();
    this.#clock.advance(Math.floor(this.#random.between(...STEP_MS)));
    await this.#world.tick();
    for (const account of this.#accounts) await account.sendDue();
    const sweepsFirst = this.#random.chance(0.5);
    await Promise.all(this.#fleet.running.map(({ app }) => app.work(sweepsFirst)));
    this.#fleet.bury();
    await this.#operate();
    if (this.#steps % 100 === 0) this.#report();
  }

  #disturb(): void {
    if (this.#random.chance(KILL)) {
      const isOfAction = this.#random.chance(0.8);
      const calls = Math.floor(this.#random.between(0, isOfAction ? ACTION_CALLS : 40));
      const isCutAfter = this.#random.chance(0.5);
      for (const { app } of this.#fleet.running) app.killAt(calls, isCutAfter, isOfAction ? 'actions' : undefined);
    }
    for (const { faults } of this.#accounts) {
      faults.lagLists(this.#random.chance(LISTS_LAG) ? 90 * SECOND_MS : 0);
      if (!this.#random.chance(WEBHOOKS_ARE_FAULTY)) continue;
      const delayMs = Math.floor(this.#random.between(0, 5 * MINUTE_MS));
      this.#random.pick([
        () => faults.loseWebhooks(2),
        () => faults.repeatWebhooks(2),
        () => faults.delayWebhooks(delayMs, 2),
      ])?.();
    }
    if (this.#clock.now() >= this.#rightAt) this.#appClock.setBack(0);
    if (this.#random.chance(CLOCK_IS_SET)) {
      this.#appClock.setBack(Math.floor(this.#random.between(MINUTE_MS, 30 * MINUTE_MS)));
      this.#rightAt = this.#in(this.#random.between(MINUTE_MS, 10 * MINUTE_MS));
    }
  }

  /** Lets an operator work at a process, which can be killed meanwhile. */
  async #operate(): Promise<void> {
    const app = this.#fleet.running[0]?.app;
    if (!app) return;
    try {
      await this.#decideAll(app.app.get(Inbox));
    } catch (error) {
      if (!app.isDead) throw error;
    }
    this.#fleet.bury();
  }

  /** Decides about actions that are unknown, as a person would, and redrives dead letters. */
  async #decideAll(inbox: Inbox): Promise<void> {
    for (const action of await allOf((page) => inbox.actions({ state: 'unknown' }, page))) {
      const since = this.#unknownSince.get(action.key) ?? this.#clock.now();
      this.#unknownSince.set(action.key, since);
      if (this.#clock.now().getTime() - since.getTime() >= OPERATOR_MS) await this.#decide(inbox, action);
    }
    const dead = await allOf((page) => inbox.deliveries({ state: 'dead' }, page));
    const waiting = new Set((await allOf((page) => inbox.actions({ state: 'unknown' }, page))).map(({ key }) => key));
    const deliveryIds = dead.map(({ id }) => id).filter((id) => !waiting.has(id));
    if (deliveryIds.length > 0) await inbox.redrive({ deliveryIds, by: 'kim', reason: 'the action is decided' });
  }

  async #decide(inbox: Inbox, { source, key, kind, target, mark }: ActionSummary): Promise<void> {
    const account = this.#accounts.find((one) => one.source === source);
    const found = account?.runs().find((run) => {
      if (kind === 'retry') return run.retryOf === target;
      return kind === 'trigger' ? run.cause.startsWith(mark) : run.id === target && !run.isOpen;
    });
    if (!found) this.#sentAgain.add(key);
    const outcome = found ? { outcome: 'done' as const, runId: found.id } : { outcome: 'not-done' as const };
    await inbox.decideAction({ source, key, ...outcome, by: 'kim', reason: 'looked at the provider' });
  }

  /** Runs out the delays of webhooks, of retries, of look-ups, of leases and of the operator. */
  async #endQuietly(): Promise<void> {
    this.#isRough = false;
    this.#appClock.setBack(0);
    for (const { faults } of this.#accounts) faults.clear();
    this.#refusedUntil.clear();
    this.#fleet.spare();
    for (let turn = 0; turn < 120 || this.#world.isBusy; turn += 1) {
      await this.#turn();
      this.#clock.advance(MINUTE_MS);
    }
  }

  async #start(number: number): Promise<AppProcess> {
    let app: AppProcess | undefined = undefined as AppProcess | undefined;
    const networks = await Promise.all(
      this.#accounts.map((account) =>
        Network.open({
          account,
          traffic: this.#traffic,
          now: () => this.#clock.now(),
          isDead: () => app?.isDead ?? false,
          trouble: () => this.#nextTrouble(),
          failsToRead: () => this.#isRough && this.#random.chance(READ_FAILS),
          refusedUntil: () => this.#refusedUntil.get(account.source) ?? START,
          refuse: () => {
            this.#refusedUntil.set(account.source, this.#in(this.#random.between(MINUTE_MS, 6 * MINUTE_MS)));
          },
          kill: () => app?.kill(),
          endTimeouts: () => this.#timeouts.end(),
          hold: () => this.#hold(number),
        }),
      ),
    );
    this.#networks.push(...networks);
    app = await AppProcess.start({
      inbox: this.#options.place.connect(),
      module: (inbox, isDead) =>
        ActionsApp.with({
          sources: this.#accounts.map((account, index) => account.open(networks[index]?.origin ?? '')),
          inbox,
          clock: this.#appClock,
          ledger: new ProcessLedger(this.#ledger, isDead),
          downstream: new Downstream(this.#world.downstream),
        }),
      sweeps: true,
    });
    return app;
  }

  #nextTrouble(): Trouble {
    if (!this.#isRough || !this.#random.chance(TROUBLE)) return 'none';
    if (this.#troubles.length === 0) {
      const order = TROUBLES.map((trouble) => ({ trouble, at: this.#random.next() }));
      this.#troubles = order.sort((a, b) => a.at - b.at).map(({ trouble }) => trouble);
    }
    return this.#troubles.pop() ?? 'none';
  }

  /** Lets the leases of a process run out while a request of it is on the way, so that another one takes its delivery over. */
  async #hold(number: number): Promise<void> {
    const looks = this.#traffic.looks.length;
    const others = this.#fleet.running.filter((one) => one.number !== number && !one.app.isDead);
    for (let turn = 0; turn < 2; turn += 1) {
      this.#clock.advance(Math.floor(this.#random.between(31, 50)) * SECOND_MS);
      await Promise.all(others.map(({ app }) => app.work(false)));
    }
    if (this.#traffic.looks.length > looks) this.#takenOver += 1;
  }

  #in(ms: number): Date {
    return new Date(this.#clock.now().getTime() + ms);
  }

  #report(): void {
    const { onProgress, place } = this.#options;
    onProgress?.(
      `${place.name}: step ${this.#steps}, actions ${this.#receipts}, requests ${this.#traffic.requests.length}, ` +
        `kills ${this.#fleet.killed.size}`,
    );
  }

  async #evidence(): Promise<Evidence> {
    const inbox = this.#fleet.running[0]?.app.app.get(Inbox);
    if (!inbox) throw new Error('no process runs');
    const runs = this.#accounts.flatMap((account) =>
      account.runs().map((run): KnownRun => {
        const { id, jobId, cause, retryOf, isOpen, isCanceled, hasSucceeded } = run;
        const isStarted = !this.#world.began.has(keyOf(account, id));
        return { source: account.source, id, jobId, cause, retryOf, isStarted, isOpen, isCanceled, hasSucceeded };
      }),
    );
    const jobKeys = new Map<string, string>();
    for (const { source, runId, jobKey } of await allOf((page) => inbox.runs({}, page))) {
      const run = runs.find((one) => one.source === source && one.id === runId);
      if (run) jobKeys.set(`${source}/${run.jobId}`, jobKey);
    }
    const jobs: [string, JobState | undefined][] = [];
    for (const [job, jobKey] of jobKeys) {
      jobs.push([job, await inbox.job({ source: job.replace(/\/.*/, ''), jobKey })]);
    }
    return {
      runs,
      ended: this.#world.ended,
      requests: this.#traffic.requests,
      looks: this.#traffic.looks,
      receipts: this.#ledger.receipts,
      actions: await allOf((page) => inbox.actions({}, page)),
      deliveries: await allOf((page) => inbox.deliveries({}, page)),
      events: await allOf((page) => inbox.events({}, page)),
      jobs: new Map(jobs),
      counts: (await inbox.counts()).actions,
      unknown: new Set(this.#unknownSince.keys()),
      sentAgain: this.#sentAgain,
      killed: this.#fleet.killed,
      takenOver: this.#takenOver,
    };
  }
}
