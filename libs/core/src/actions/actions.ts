import { ConfigurationError } from '../errors.js';
import { LIMITS } from '../limits.js';
import type { Logger } from '../log/logger.js';
import { shortName } from '../one-line.js';
import { actionMark } from '../runs/action-mark.js';
import { ActionRefusedError, type ActionAnswer, type ProviderAction } from '../sources/provider-action.js';
import type { ActionStore, BegunAction, NewAction } from '../store/action-store.js';
import { claimToken } from '../store/claim-token.js';
import type { Store } from '../store/store.js';
import type { Clock } from '../time/clock.js';
import { ActionAttempt } from './action-attempt.js';
import { ActionKeyError, ActionPendingError } from './action-errors.js';
import { ActionLog } from './action-log.js';
import { checkAction, requestText } from './check-action.js';
import { endOf } from './end-of-action.js';

/** Options for the actions of a process. */
export interface ActionsOptions {
  readonly store: Pick<Store, 'actions' | 'description'>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Token of all claims that this process makes of its own work. */
  readonly lease: string;
}

/** Actions at providers: each is carried out once per key, as far as look-ups can find what an earlier call has done. */
export class Actions {
  readonly #options: ActionsOptions;
  readonly #log: ActionLog;

  constructor(options: ActionsOptions) {
    this.#options = options;
    this.#log = new ActionLog(options.logger);
  }

  /** Carries out an action of a source, see {@link ApiHost.act}. */
  async perform(source: string, action: ProviderAction): Promise<ActionAnswer> {
    checkAction(action);
    const store = this.#store(action);
    action.signal?.throwIfAborted();
    const { clock } = this.#options;
    const lease = claimToken(this.#options.lease);
    const now = clock.now();
    const latestDueAt = new Date(now.getTime() + LONGEST_WAIT_MS + LIMITS.clockSkewMs);
    const wanted = newAction(source, action);
    const begun = await store.begin(wanted, { now, leaseMs: LIMITS.actionLeaseMs, lease, latestDueAt });
    if (begun.begun !== 'claimed') return this.#withoutClaim(wanted, begun);
    const attempt = new ActionAttempt({ store, clock, log: this.#log, action, named: wanted, lease });
    return begun.action.state === 'sent' ? attempt.look(begun.action) : attempt.call();
  }

  #store({ kind }: ProviderAction): ActionStore {
    const { store } = this.#options;
    if (store.actions) return store.actions;
    throw new ConfigurationError(
      'inbox',
      `expected an inbox that can keep actions, because of a call of ${kind}(), got one without Store.actions ` +
        `(${store.description}). Use sqliteInbox or postgresInbox`,
    );
  }

  #withoutClaim(wanted: NewAction, begun: Exclude<BegunAction, { begun: 'claimed' }>): ActionAnswer {
    if (begun.begun === 'waiting') {
      const delayMs = begun.dueAt.getTime() - this.#options.clock.now().getTime();
      const { key, target } = begun.action;
      const found =
        key === wanted.key
          ? `is under way, or looked up at ${begun.dueAt.toISOString()}`
          : `waits for the answer of the retry of run ${shortName(target)} (key "${key}"), because it may have started this run`;
      throw new ActionPendingError(wanted, found, Math.max(LIMITS.pollMs, delayMs));
    }
    if (begun.begun === 'limited') {
      const { rootRun, retries } = begun;
      const refusal = refusalOf(rootRun, retries, wanted.retriesMax);
      this.#log.limited(wanted, rootRun, refusal);
      throw new ActionRefusedError(refusal);
    }
    if (begun.begun === 'differs') throw new ActionKeyError(wanted, begun.action);
    return endOf(begun.action);
  }
}

/** Longest time that a lease or a wait for a look-up has when it begins. */
const LONGEST_WAIT_MS = Math.max(LIMITS.actionLeaseMs, LIMITS.actionFirstLookMs, LIMITS.actionLookEveryMs);

function newAction(source: string, action: ProviderAction): NewAction {
  const { kind, key, target, accountId, retriesMax = LIMITS.actionRetriesMax } = action;
  return {
    source,
    key,
    kind,
    target,
    mark: actionMark(source, key),
    request: requestText(action),
    ...(accountId !== undefined && { accountId }),
    ...(kind === 'retry' && { retriesMax }),
  };
}

function refusalOf(rootRun: string, retries: number, retriesMax = 0): { reason: 'retries-max'; message: string } {
  const atMost = `${retriesMax} ${retriesMax === 1 ? 'retry' : 'retries'}`;
  const found = `${retries} ${retries === 1 ? 'was' : 'were'} started before`;
  return {
    reason: 'retries-max',
    message: `expected at most ${atMost} of root run ${rootRun}, and ${found}. Mend the cause of the failure, or raise retriesMax`,
  };
}
