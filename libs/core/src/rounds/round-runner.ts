import { ConfigurationError } from '../errors.js';
import type { IdSequence } from '../ids.js';
import { LIMITS } from '../limits.js';
import type { Logger } from '../log/logger.js';
import { didYouMean } from '../nearest.js';
import type { OpenSource } from '../sources/source.js';
import type { Store } from '../store/store.js';
import type { StoreGuard } from '../store/store-guard.js';
import type { Clock } from '../time/clock.js';
import { WakeUp } from '../time/wake-up.js';
import { Reporter, type ReportedSource } from './reporter.js';
import { SourceRounds } from './source-rounds.js';

/** Options for a round runner. */
export interface RoundRunnerOptions {
  readonly store: Store;
  readonly sources: readonly OpenSource[];
  readonly ids: IdSequence;
  readonly clock: Clock;
  readonly guard: StoreGuard;
  readonly logger: Logger;
  /** Token of all claims that this process makes of its own work. */
  readonly lease: string;
  /** Called after messages were stored. */
  readonly onAppended: () => void;
}

/**
 * Runs the rounds of all sources with access to their provider's API. Of each source, one round runs at a time. A round that
 * fails is retried later; it ends neither the process nor other rounds.
 */
export class RoundRunner {
  readonly #options: RoundRunnerOptions;
  readonly #sources: readonly SourceRounds[];
  readonly #registrations: readonly { readonly source: string; readonly kinds: readonly string[] }[];
  readonly #reported: readonly ReportedSource[];
  readonly #wakeUps: readonly WakeUp[];
  #loops: Promise<unknown> | undefined;
  /** First registrations of the sources, in their order; `undefined` until the store has registered them. */
  #since: readonly Date[] | undefined;
  #isAnnounced = false;
  #stopping = false;

  constructor(options: RoundRunnerOptions) {
    this.#options = options;
    const { store, sources, ids, clock, onAppended } = options;
    const { rounds } = store;
    this.#reported = rounds ? sources.flatMap(withRounds) : [];
    const reporter = rounds && new Reporter({ rounds, ids, clock, onAppended });
    this.#sources = this.#reported.flatMap((source) =>
      rounds && reporter ? [new SourceRounds({ ...options, rounds, reporter, source })] : [],
    );
    this.#registrations = this.#reported.map(({ name, api }) => ({
      source: name,
      kinds: api.rounds.map(({ kind }) => kind),
    }));
    this.#wakeUps = this.#sources.map(() => new WakeUp());
  }

  /** Registers the sources. If the store fails, the failure is logged, and the first round registers them. */
  async register(): Promise<void> {
    // Without a call of the store, nothing shows that an outage is over.
    if (this.#registrations.length === 0) return;
    await this.#options.guard.write(() => this.#registered(), undefined);
  }

  /** Starts to run due rounds. A second call changes nothing. */
  start(): void {
    this.#announce();
    this.#loops ??= Promise.all(this.#sources.map((source, index) => this.#work(source, index)));
  }

  /** Looks for due rounds now, because some were made due. */
  wake(): void {
    for (const wakeUp of this.#wakeUps) wakeUp.now();
  }

  /**
   * Runs all rounds once, whether they are due or not, and resolves when they have ended. Rounds that another worker is
   * running are left alone. Rejects with the first error of a round.
   *
   * @param name name of the only source whose rounds to run. @default all sources
   * @throws ConfigurationError if no source with rounds has this name
   */
  async runAll(name?: string): Promise<void> {
    const names = this.#registrations.map(({ source }) => source);
    if (name !== undefined && !names.includes(name)) {
      throw new ConfigurationError(
        'sweep.source',
        `expected the name of a source with rounds, got ${JSON.stringify(name)}${didYouMean(name, names)}. ` +
          'Set the `api` option of the source',
      );
    }
    const since = await this.#registered();
    const results = await Promise.all(
      this.#sources.map(async (source, index) => {
        if (name !== undefined && name !== names[index]) return [];
        const run = [];
        for (const kind of source.kinds) {
          run.push(await source.runNext(since[index] as Date, { kinds: [kind], early: true }));
        }
        return run;
      }),
    );
    const failed = results.flat().find((result) => result?.error !== undefined);
    if (failed) throw failed.error;
  }

  /** Runs rounds until none is due, and resolves when they have ended. Failures are logged and stored, as usual. */
  async runDue(): Promise<void> {
    const since = await this.#registered();
    await Promise.all(
      this.#sources.map(async (source, index) => {
        while (await source.runNext(since[index] as Date));
      }),
    );
  }

  /** Aborts running rounds, gives them back, and runs no more. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.wake();
    await Promise.all(this.#sources.map((source) => source.stop()));
    await this.#loops;
  }

  async #work(source: SourceRounds, index: number): Promise<void> {
    const { guard } = this.#options;
    const wakeUp = this.#wakeUps[index] as WakeUp;
    while (!this.#stopping) {
      wakeUp.reset();
      const ran = await guard.read(async () => {
        const since = await this.#registered();
        this.#announce();
        return await source.runNext(since[index] as Date);
      }, undefined);
      if (!ran && !this.#stopping) await wakeUp.wait(LIMITS.roundPollMs);
    }
  }

  async #registered(): Promise<readonly Date[]> {
    const { store, clock } = this.#options;
    if (this.#registrations.length === 0 || !store.rounds) return [];
    const now = clock.now();
    // A clock that was ahead at the first registration has been set back: the store corrects the time.
    if (this.#since?.some((since) => since > now)) this.#since = undefined;
    return (this.#since ??= await store.rounds.register(this.#registrations, now));
  }

  /** Logs what the rounds look for, once the store has registered the sources. */
  #announce(): void {
    if (this.#isAnnounced || (this.#sources.length > 0 && !this.#since)) return;
    this.#isAnnounced = true;
    const { sources, logger } = this.#options;
    for (const { name, api } of sources) {
      const since = this.#since?.[this.#registrations.findIndex(({ source }) => source === name)];
      if (api?.sweeps !== undefined && since) {
        logger.log(`Source "${name}" is swept for runs that ended since ${since.toISOString()}: ${api.sweeps}`, {
          source: name,
        });
      }
      for (const sentence of api?.switchedOff ?? []) logger.log(`Source "${name}": ${sentence}`, { source: name });
    }
  }
}

function withRounds(source: OpenSource): ReportedSource[] {
  const { name, provider, api } = source;
  return api && api.rounds.length > 0 ? [{ name, provider, api }] : [];
}
