import { beforeEach, describe, expect, it } from '@jest/globals';
import { ProviderApiError, ProviderCooldownError, type ProviderApiErrorReason } from '../api/provider-api-error.js';
import { isWaiting } from '../deliveries/waiting.js';
import { isPermanentError, StoreUnavailableError } from '../errors.js';
import { LIMITS } from '../limits.js';
import { lineLogger, type Logger } from '../log/logger.js';
import { actionMark } from '../runs/action-mark.js';
import {
  ActionRefusedError,
  isActionRefusedError,
  type ActionAnswer,
  type ActionRefusalReason,
  type ProviderAction,
} from '../sources/provider-action.js';
import type {
  ActionChange,
  ActionClaim,
  ActionKey,
  ActionState,
  ActionStore,
  BegunAction,
  HeldAction,
  NewAction,
  StoredAction,
} from '../store/action-store.js';
import { isActionPendingError, isActionUnknownError } from './action-errors.js';
import { Actions } from './actions.js';

const START = Date.parse('2026-11-30T12:00:00.000Z');
const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const KEY = 'dlv_1';
const MARK = actionMark('dbt', KEY);

type Row = { -readonly [Name in keyof StoredAction]: StoredAction[Name] } & { dueAt?: Date; lease?: string };

/** Keeps actions in memory, as the port `ActionStore` requires. A hook can fail, or act as another process, before each verb. */
class MemoryActions implements Omit<ActionStore, 'list' | 'decide'> {
  readonly rows = new Map<string, Row>();
  readonly calls: string[] = [];
  /** Result of `begin` instead of the usual one. */
  limited: { readonly rootRun: string; readonly retries: number } | undefined;
  /** Another retry, whose answer the next action waits for. */
  parent: { readonly key: string; readonly dueAt: Date } | undefined;
  wanted: NewAction | undefined;
  before: (call: string) => void = () => undefined;

  begin(action: NewAction, { now, leaseMs, lease, latestDueAt }: ActionClaim): Promise<BegunAction> {
    return this.#step('begin', () => {
      this.wanted = action;
      if (this.limited) return { begun: 'limited', ...this.limited };
      if (this.parent) {
        const parent = this.rows.get(this.parent.key) as Row;
        return { begun: 'waiting', action: { ...parent }, dueAt: this.parent.dueAt };
      }
      const row: Row = this.rows.get(action.key) ?? { ...action, state: 'intended', looks: 0 };
      this.rows.set(action.key, row);
      if (row.kind !== action.kind || row.target !== action.target) return { begun: 'differs', action: { ...row } };
      if (row.state !== 'intended' && row.state !== 'sent') return { begun: 'ended', action: { ...row } };
      const { dueAt } = row;
      if (dueAt && dueAt > now && dueAt <= latestDueAt) return { begun: 'waiting', action: { ...row }, dueAt };
      Object.assign(row, { lease, dueAt: new Date(now.getTime() + leaseMs) });
      return { begun: 'claimed', action: { ...row } };
    });
  }

  advance({ key, lease }: HeldAction, change: ActionChange, now: Date): Promise<boolean> {
    const name = 'dueAt' in change ? 'advance:look' : `advance:${change.state}`;
    return this.#step(name, () => {
      const row = this.rows.get(key);
      if (!row || row.lease !== lease) return false;
      row.state = change.state;
      if ('leaseMs' in change) {
        Object.assign(row, { sentAt: now, looks: 0, dueAt: new Date(now.getTime() + change.leaseMs) });
        return true;
      }
      delete row.lease;
      delete row.dueAt;
      if ('dueAt' in change) Object.assign(row, { dueAt: change.dueAt, looks: change.looks });
      if ('refusal' in change) row.refusal = change.refusal;
      return true;
    });
  }

  answer({ key, lease }: HeldAction, runs: readonly ActionAnswer[]): Promise<ActionAnswer | undefined | false> {
    return this.#step('answer', () => {
      const row = this.rows.get(key);
      if (!row || row.lease !== lease) return false;
      const taken = [...this.rows.values()].flatMap(({ kind, answer }) => (kind === 'cancel' ? [] : [answer?.runId]));
      const answer = runs.find(({ runId }) => row.kind === 'cancel' || !taken.includes(runId));
      if (answer) {
        Object.assign(row, { state: 'answered', answer });
        delete row.lease;
      }
      return answer;
    });
  }

  find({ key }: ActionKey): Promise<StoredAction | undefined> {
    return this.#step('find', () => this.rows.get(key));
  }

  /** Writes the end of the action as another process does. */
  end(fields: Partial<Row>): void {
    const row = this.rows.get(KEY);
    if (row) Object.assign(row, { lease: 'other', ...fields });
  }

  async #step<T>(call: string, step: () => T): Promise<T> {
    await Promise.resolve();
    this.calls.push(call);
    this.before(call);
    return step();
  }
}

let store: MemoryActions;
let now: number;
let lines: string[];
let fields: object[];
let actions: Actions;
/** Calls of the provider's API, in order. */
let asked: string[];

beforeEach(() => {
  [store, now, lines, fields, asked] = [new MemoryActions(), START, [], [], []];
  actions = workerWith(store);
});

function workerWith(memory: MemoryActions | undefined): Actions {
  const note = (level: string) => (line: unknown, more?: object) => {
    lines.push(`${level} ${String(line)}`);
    fields.push(more ?? {});
  };
  const host = { debug: note('debug'), log: note('log'), warn: note('warn'), error: note('error') };
  const logger: Logger = lineLogger(host, (line, more) => [line, more]);
  return new Actions({
    store: { description: 'memory', ...(memory && { actions: memory as unknown as ActionStore }) },
    clock: { now: () => new Date(now) },
    logger,
    lease: 'process',
  });
}

function retry(changes: Partial<ProviderAction> = {}): ProviderAction {
  return {
    kind: 'retry',
    key: KEY,
    target: '5',
    accountId: '4',
    request: { runId: '5' },
    send: (mark) => {
      asked.push(`send ${mark}`);
      return Promise.resolve({ runId: '6', accountId: '4' });
    },
    find: (mark, sentAt) => {
      asked.push(`find ${mark} ${sentAt.toISOString()}`);
      return Promise.resolve([]);
    },
    ...changes,
  };
}

/** Returns an action whose call fails. */
function failing(error: unknown, changes: Partial<ProviderAction> = {}): ProviderAction {
  return retry({
    send: (mark) => {
      asked.push(`send ${mark}`);
      return Promise.reject(error as Error);
    },
    ...changes,
  });
}

function apiError(reason: ProviderApiErrorReason): ProviderApiError {
  return new ProviderApiError({ reason, asked: 'dbt Cloud: retry run 5', found: `found ${reason}`, todo: 'Do it' });
}

const perform = (action: ProviderAction, worker = actions): Promise<ActionAnswer> => worker.perform('dbt', action);

async function thrownBy(
  promise: Promise<unknown>,
): Promise<Error & { readonly code?: string; readonly delayMs?: number }> {
  return await promise.then(
    (value) => {
      throw new Error(`resolved with ${JSON.stringify(value)}`);
    },
    (thrown: unknown) => thrown as Error,
  );
}

const stateOf = (key = KEY): ActionState | undefined => store.rows.get(key)?.state;

/** Makes the call without an answer, and waits until the first look-up is due. */
async function unanswered(changes: Partial<ProviderAction> = {}): Promise<void> {
  await thrownBy(perform(failing(apiError('timeout'), changes)));
  now += 10 * SECOND;
  [store.calls.length, asked.length, lines.length, fields.length] = [0, 0, 0, 0];
}

describe('an action', () => {
  it('is stored before the call, as sent right before it, and with its answer', async () => {
    await expect(perform(retry())).resolves.toEqual({ runId: '6', accountId: '4' });
    expect(store.calls).toEqual(['begin', 'advance:sent', 'answer']);
    expect(asked).toEqual([`send ${MARK}`]);
    expect(store.wanted).toEqual({
      source: 'dbt',
      key: KEY,
      kind: 'retry',
      target: '5',
      accountId: '4',
      mark: MARK,
      request: '{"runId":"5"}',
      retriesMax: 1,
    });
    expect(lines).toEqual(['log Action retry of run 5 of source "dbt" started run 6']);
    expect(fields).toEqual([{ source: 'dbt', actionKey: KEY, runId: '6' }]);
  });

  it('returns the same answer without a call when it is asked for again', async () => {
    await perform(retry());
    await expect(perform(retry())).resolves.toEqual({ runId: '6', accountId: '4' });
    expect(asked).toHaveLength(1);
    expect(lines).toHaveLength(1);
  });

  it('has the words of its kind in its line', async () => {
    await perform(retry({ kind: 'trigger', target: '70', key: 'a' }));
    await perform(retry({ kind: 'cancel', key: 'b', send: () => Promise.resolve({ runId: '5\n6' }) }));
    expect(lines).toEqual([
      'log Action trigger of job 70 of source "dbt" started run 6',
      String.raw`log Action cancel of run 5 of source "dbt" canceled run 5\n6`,
    ]);
    expect(store.wanted).not.toHaveProperty('retriesMax');
  });

  it('is not sent if the intent, or that it is sent, cannot be stored', async () => {
    for (const verb of ['begin', 'advance:sent']) {
      store.before = (call) => {
        if (call === verb) throw new StoreUnavailableError('down');
      };
      await expect(perform(retry())).rejects.toThrow(StoreUnavailableError);
    }
    expect(asked).toEqual([]);
  });

  it('is looked up if its answer cannot be stored', async () => {
    store.before = (call) => {
      if (call === 'answer') throw new StoreUnavailableError('down');
    };
    await expect(perform(retry())).rejects.toThrow(StoreUnavailableError);
    expect(stateOf()).toBe('sent');
    store.before = () => undefined;
    now += LIMITS.actionLeaseMs;
    const found = retry({ find: () => Promise.resolve([{ runId: '6' }]) });
    await expect(perform(found)).resolves.toEqual({ runId: '6' });
    expect(asked).toHaveLength(1);
    expect(lines).toEqual([
      'warn Action retry of run 5 of source "dbt" had no answer; a look-up found that it started run 6 [RUNHOOKS_ACTION_FOUND]',
    ]);
    expect(fields).toEqual([{ source: 'dbt', actionKey: KEY, runId: '6', code: 'RUNHOOKS_ACTION_FOUND' }]);
  });

  it('is called again without a look-up after an answer that says that nothing was done', async () => {
    const reasons: ProviderApiErrorReason[] = [
      'unauthorized',
      'forbidden',
      'not-found',
      'refused',
      'invalid-request',
      'no-token',
    ];
    const cooldown = new ProviderCooldownError({ asked: 'retry', found: '429' }, new Date(now + MINUTE), new Date(now));
    const busy = new ActionRefusedError({ reason: 'busy', message: 'the job is running' });
    for (const error of [...reasons.map(apiError), cooldown, busy]) {
      expect(await thrownBy(perform(failing(error)))).toBe(error);
      expect(stateOf()).toBe('intended');
    }
    expect(lines).toEqual([]);
    expect(isPermanentError(busy)).toBe(false);
    await perform(retry());
    expect(asked.filter((one) => one.startsWith('find'))).toEqual([]);
  });

  it('stays refused, and is called no more, once the provider has refused it', async () => {
    const error = new ActionRefusedError({ reason: 'not-latest', message: 'job 7 has\na later run' });
    expect(await thrownBy(perform(failing(error)))).toBe(error);
    expect([stateOf(), asked.length]).toEqual(['refused', 1]);
    const again = await thrownBy(perform(retry()));
    expect(again).toMatchObject({ reason: 'not-latest', message: error.message, code: 'RUNHOOKS_ACTION_REFUSED' });
    expect([isActionRefusedError(again), isPermanentError(again), asked.length]).toEqual([true, true, 1]);
    expect(lines).toEqual([
      String.raw`warn Action retry of run 5 of source "dbt" was refused (not-latest): job 7 has\na later run [RUNHOOKS_ACTION_REFUSED]`,
    ]);
  });

  it('stays refused if the text of its refusal was erased', async () => {
    await thrownBy(perform(failing(new ActionRefusedError({ reason: 'other', message: 'no' }))));
    store.end({ refusal: { reason: 'other', message: '' } });
    const error = await thrownBy(perform(retry()));
    expect(error.message).toBe('the retry of run 5 of source "dbt" was refused; the reason was erased');
  });

  it('is looked up after anything else, and is not called until then', async () => {
    const ambiguous = [
      ...(['unavailable', 'timeout', 'invalid-answer', 'too-large'] as const).map(apiError),
      new TypeError('a secret of the app'),
      undefined,
    ];
    for (const [index, error] of ambiguous.entries()) {
      const key = `key ${index}`;
      const thrown = await thrownBy(perform(failing(error, { key })));
      expect(isActionPendingError(thrown)).toBe(true);
      expect(thrown).toMatchObject({ code: 'RUNHOOKS_ACTION_PENDING', delayMs: 10 * SECOND });
      expect(thrown.message).not.toContain('secret');
      expect(stateOf(key)).toBe('sent');
      now += 9 * SECOND;
      const waiting = await thrownBy(perform(retry({ key })));
      expect(waiting).toMatchObject({ code: 'RUNHOOKS_ACTION_PENDING', delayMs: SECOND });
      now += SECOND;
      await thrownBy(perform(retry({ key })));
      expect(asked.filter((one) => one.startsWith('find'))).toHaveLength(index + 1);
    }
    expect(asked.filter((one) => one.startsWith('send'))).toHaveLength(ambiguous.length);
    expect(lines[0]).toBe(
      'warn Action retry of run 5 of source "dbt" has no answer: ProviderApiError: dbt Cloud: retry run 5: found unavailable. ' +
        'Do it. It is looked up before any other call [RUNHOOKS_ACTION_UNANSWERED]',
    );
    expect(lines[4]).toContain('has no answer: TypeError. It');
  });

  it('is looked up if its answer is the run of another action', async () => {
    await perform(retry({ key: 'other' }));
    expect(await thrownBy(perform(retry()))).toMatchObject({ code: 'RUNHOOKS_ACTION_PENDING', delayMs: 10 * SECOND });
    expect(lines.at(-1)).toContain('has no answer: run 6 is the answer of another action. It is looked up');
  });

  it('is not made while the answer of another retry, which may have started its run, is not known', async () => {
    await thrownBy(perform(failing(apiError('timeout'), { key: 'parent', target: '4' })));
    store.parent = { key: 'parent', dueAt: new Date(now + MINUTE) };
    const thrown = await thrownBy(perform(retry()));
    expect(isActionPendingError(thrown)).toBe(true);
    expect(thrown).toMatchObject({ delayMs: MINUTE });
    expect(thrown.message).toBe(
      'the retry of run 5 of source "dbt" (key "dlv_1") waits for the answer of the retry of run 4 (key "parent"), because it may ' +
        'have started this run',
    );
    expect(asked.filter((one) => one.startsWith('send'))).toHaveLength(1);
  });

  it('makes its delivery wait, without a counted attempt, and shows what it waits for', async () => {
    const thrown = await thrownBy(perform(failing(apiError('timeout'))));
    expect(isWaiting(thrown)).toBe(true);
    expect(thrown.message).toBe(
      'the retry of run 5 of source "dbt" (key "dlv_1") has no answer (ProviderApiError: dbt Cloud: retry run 5: found timeout. ' +
        'Do it); it is looked up before any other call',
    );
  });
});

describe('a look-up', () => {
  it('takes the first run that no other action has started', async () => {
    await perform(retry({ key: 'other', send: () => Promise.resolve({ runId: '6' }) }));
    await unanswered();
    const find = () => Promise.resolve([{ runId: '6' }, { runId: '7', url: 'u' }]);
    await expect(perform(retry({ find }))).resolves.toEqual({ runId: '7', url: 'u' });
    expect(store.rows.get(KEY)).toMatchObject({ state: 'answered', answer: { runId: '7' } });
  });

  it('finds nothing if all runs are those of other actions', async () => {
    await perform(retry({ key: 'other' }));
    await unanswered();
    expect(await thrownBy(perform(retry({ find: () => Promise.resolve([{ runId: '6' }]) })))).toMatchObject({
      code: 'RUNHOOKS_ACTION_PENDING',
      delayMs: MINUTE,
    });
  });

  it('is made three times, a minute apart, before an operator must decide', async () => {
    const sentAt = new Date(now);
    await unanswered();
    for (const looks of [1, 2]) {
      const error = await thrownBy(perform(retry()));
      expect(error.message).toContain(`has no answer; look-up ${looks} of 3 found no run`);
      expect(store.rows.get(KEY)).toMatchObject({ state: 'sent', looks, sentAt });
      expect(await thrownBy(perform(retry()))).toMatchObject({ delayMs: MINUTE });
      now += MINUTE;
    }
    const error = await thrownBy(perform(retry()));
    expect(error.message).toBe(
      'the retry of run 5 of source "dbt" (key "dlv_1") is unknown since 2026-11-30T12:00:00.000Z: a call had no answer, and ' +
        "look-ups found no run of it. Look at the provider's page, then call inbox.decideAction({ source, key, outcome, by, " +
        "reason }) with the outcome 'done' or 'not-done', and redrive the delivery",
    );
    expect([isActionUnknownError(error), isPermanentError(error), error.code]).toEqual([
      true,
      true,
      'RUNHOOKS_ACTION_UNKNOWN',
    ]);
    expect(asked).toEqual(Array(3).fill(`find ${MARK} ${sentAt.toISOString()}`));
    expect(stateOf()).toBe('unknown');
    expect(lines).toEqual([`error Action needs an operator: ${error.message} [RUNHOOKS_ACTION_UNKNOWN]`]);
    const later = await thrownBy(perform(retry()));
    expect([isActionUnknownError(later), later.message, asked.length, lines.length]).toEqual([
      true,
      error.message,
      3,
      1,
    ]);
  });

  it('is followed by another call, with the same mark, if the app wants it', async () => {
    await unanswered();
    for (let look = 1; look <= 2; look++) {
      await thrownBy(perform(retry()));
      now += MINUTE;
    }
    await expect(perform(retry({ onUnknown: 'again' }))).resolves.toEqual({ runId: '6', accountId: '4' });
    expect(asked.slice(-2)).toEqual([expect.stringContaining('find'), `send ${MARK}`]);
    expect(store.rows.get(KEY)).toMatchObject({ state: 'answered', looks: 0, sentAt: new Date(now) });
  });

  it('begins anew after another call without an answer', async () => {
    await unanswered();
    for (let look = 1; look <= 2; look++) {
      await thrownBy(perform(retry()));
      now += MINUTE;
    }
    const error = await thrownBy(perform(failing(apiError('unavailable'), { onUnknown: 'again' })));
    expect(error).toMatchObject({ code: 'RUNHOOKS_ACTION_PENDING', delayMs: 10 * SECOND });
    expect(store.rows.get(KEY)).toMatchObject({ state: 'sent', looks: 0 });
  });

  it('is followed by another call of a cancel, because that changes nothing more', async () => {
    const cancel = { kind: 'cancel', send: () => Promise.resolve({ runId: '5' }) } as const;
    await unanswered({ kind: 'cancel' });
    for (let look = 1; look <= 2; look++) {
      await thrownBy(perform(retry(cancel)));
      now += MINUTE;
    }
    await expect(perform(retry(cancel))).resolves.toEqual({ runId: '5' });
    expect(lines).toEqual(['log Action cancel of run 5 of source "dbt" canceled run 5']);
  });

  it('ends a cancel whose run is over, also if another action started the run', async () => {
    await perform(retry({ key: 'other', send: () => Promise.resolve({ runId: '5' }) }));
    await unanswered({ kind: 'cancel' });
    const find = () => Promise.resolve([{ runId: '5' }]);
    await expect(perform(retry({ kind: 'cancel', find }))).resolves.toEqual({ runId: '5' });
    expect(lines).toEqual([
      'warn Action cancel of run 5 of source "dbt" had no answer; a look-up found that the run is over [RUNHOOKS_ACTION_FOUND]',
    ]);
  });

  it('does not count if the API cannot be asked, and waits for up to seven days', async () => {
    await unanswered();
    const error = apiError('unavailable');
    const action = retry({ find: () => Promise.reject(error) });
    for (let attempt = 1; attempt <= 4; attempt++) {
      const thrown = await thrownBy(perform(action));
      expect(thrown).toMatchObject({ code: 'RUNHOOKS_ACTION_PENDING', delayMs: LIMITS.actionLookEveryMs });
      expect(isWaiting(thrown)).toBe(true);
      now += LIMITS.actionLookEveryMs;
    }
    expect(store.rows.get(KEY)).toMatchObject({ state: 'sent', looks: 0 });
    now += LIMITS.apiWaitMs;
    expect(await thrownBy(perform(action))).toBe(error);
    await expect(perform(retry({ find: () => Promise.resolve([{ runId: '6' }]) }))).resolves.toEqual({ runId: '6' });
  });

  it('fails if its token is refused, and can be repeated at once', async () => {
    await unanswered();
    const error = apiError('forbidden');
    const action = retry({ find: () => Promise.reject(error) });
    for (let attempt = 1; attempt <= 4; attempt++) expect(await thrownBy(perform(action))).toBe(error);
    expect(store.rows.get(KEY)).toMatchObject({ state: 'sent', looks: 0 });
  });

  it('is made at once by an attempt that takes over a call whose lease is over', async () => {
    store.before = (call) => {
      if (call === 'answer' || call === 'advance:look') throw new StoreUnavailableError('down');
    };
    await thrownBy(perform(failing(apiError('timeout'))));
    store.before = () => undefined;
    now += LIMITS.actionLeaseMs - 1;
    expect(await thrownBy(perform(retry()))).toMatchObject({ code: 'RUNHOOKS_ACTION_PENDING', delayMs: SECOND });
    now += 1;
    expect(await thrownBy(perform(retry()))).toMatchObject({ delayMs: MINUTE });
    expect(asked.map((one) => one.split(' ')[0])).toEqual(['send', 'find']);
  });
});

describe('two attempts of an action', () => {
  it('make one call, and the second one waits', async () => {
    const [one, other] = [perform(retry()), perform(retry(), workerWith(store))];
    await expect(one).resolves.toMatchObject({ runId: '6' });
    expect(await thrownBy(other)).toMatchObject({ code: 'RUNHOOKS_ACTION_PENDING', delayMs: MINUTE });
    await expect(perform(retry(), workerWith(store))).resolves.toMatchObject({ runId: '6' });
    expect(asked).toHaveLength(1);
  });

  it('end by what is written if one has lost its claim', async () => {
    const answered = { state: 'answered', answer: { runId: '9' } } as const;
    const refused = { state: 'refused', refusal: { reason: 'over', message: 'm' } } as const;
    const steps: [string, ProviderAction][] = [
      ['advance:sent', retry()],
      ['answer', retry()],
      ['advance:intended', failing(apiError('forbidden'))],
      ['advance:refused', failing(new ActionRefusedError({ reason: 'no-results', message: 'm' }))],
      ['advance:look', failing(apiError('timeout'))],
    ];
    for (const [verb, action] of steps) {
      const lostTo = async (row: Partial<Row>): Promise<unknown> => {
        store.rows.clear();
        store.before = (call) => (call === verb ? store.end(row) : undefined);
        return await perform(action).catch((thrown: unknown) => thrown);
      };
      expect(await lostTo(answered)).toEqual({ runId: '9' });
      expect(await lostTo(refused)).toMatchObject({ code: 'RUNHOOKS_ACTION_REFUSED', reason: 'over' });
      expect(await lostTo({ state: 'unknown' })).toMatchObject({ code: 'RUNHOOKS_ACTION_UNKNOWN' });
      expect(await lostTo({ state: 'sent' })).toMatchObject({ code: 'RUNHOOKS_ACTION_PENDING', delayMs: 10 * SECOND });
      store.before = (call) => void (call === verb && store.rows.clear());
      expect(await thrownBy(perform(action))).toMatchObject({ code: 'RUNHOOKS_ACTION_PENDING' });
    }
    expect(asked.filter((one) => one.startsWith('find'))).toEqual([]);
  });

  it('end by what is written if one has lost its claim during a look-up', async () => {
    const find = () => Promise.resolve([{ runId: '6' }]);
    const looks: [string, ProviderAction, number][] = [
      ['answer', retry({ find }), 0],
      ['advance:look', retry({ find: () => Promise.reject(apiError('timeout')) }), 0],
      ['advance:look', retry(), 0],
      ['advance:unknown', retry(), 2],
    ];
    for (const [verb, action, before] of looks) {
      store.rows.clear();
      await unanswered();
      store.end({ looks: before });
      store.before = (call) => (call === verb ? store.end({ state: 'answered', answer: { runId: '9' } }) : undefined);
      await expect(perform(action)).resolves.toEqual({ runId: '9' });
      store.before = () => undefined;
    }
    expect(lines).toEqual([]);
  });

  it('do not call after the lease of their claim, because another attempt may have looked', async () => {
    store.before = (call) => void (call === 'advance:sent' && (now += 1));
    const slow = new Actions({
      store: { description: 'memory', actions: store as unknown as ActionStore },
      clock: { now: () => new Date((now += LIMITS.actionLeaseMs)) },
      logger: lineLogger({
        debug: () => undefined,
        log: () => undefined,
        warn: () => undefined,
        error: () => undefined,
      }),
      lease: 'process',
    });
    expect(await thrownBy(perform(retry(), slow))).toMatchObject({ code: 'RUNHOOKS_ACTION_PENDING', delayMs: SECOND });
    expect([asked.length, stateOf()]).toEqual([0, 'intended']);
    store.before = (call) =>
      void (call === 'advance:intended' && store.end({ state: 'answered', answer: { runId: '9' } }));
    await expect(perform(retry(), slow)).resolves.toEqual({ runId: '9' });
    expect(asked).toEqual([]);
  });
});

describe('a clock that is wrong', () => {
  it('cannot hold an action back for longer than a lease or a wait', async () => {
    now += 2 * HOUR;
    await thrownBy(perform(failing(apiError('timeout'))));
    now -= 2 * HOUR;
    expect(await thrownBy(perform(retry()))).toMatchObject({ code: 'RUNHOOKS_ACTION_PENDING', delayMs: MINUTE });
    expect(asked.map((one) => one.split(' ')[0])).toEqual(['send', 'find']);
  });

  it('does not hide a run that was started before the clock was set back', async () => {
    now += 2 * HOUR;
    await thrownBy(perform(failing(apiError('timeout'))));
    now -= 2 * HOUR;
    asked.length = 0;
    await thrownBy(perform(retry()));
    expect(asked).toEqual([`find ${MARK} ${new Date(now).toISOString()}`]);
  });

  it('lets an action wait that is due within the tolerance of clocks', async () => {
    now += MINUTE;
    await thrownBy(perform(failing(apiError('timeout'))));
    now -= MINUTE;
    expect(await thrownBy(perform(retry()))).toMatchObject({ code: 'RUNHOOKS_ACTION_PENDING', delayMs: 70 * SECOND });
    expect(asked).toHaveLength(1);
  });

  it('does not make a second call when it is set ahead', async () => {
    await thrownBy(perform(failing(apiError('timeout'))));
    now += 24 * HOUR;
    expect(await thrownBy(perform(retry()))).toMatchObject({ delayMs: MINUTE });
    expect(asked.map((one) => one.split(' ')[0])).toEqual(['send', 'find']);
  });
});

describe('an aborted action', () => {
  const reason = new Error('the app is shutting down');

  it('rejects with the reason, and writes nothing, if it has not begun', async () => {
    expect(await thrownBy(perform(retry({ signal: AbortSignal.abort(reason) })))).toBe(reason);
    expect([store.calls, asked]).toEqual([[], []]);
  });

  it('is not sent, and can be called at once later, if the call has not begun', async () => {
    const controller = new AbortController();
    store.before = (call) => void (call === 'advance:sent' && controller.abort(reason));
    expect(await thrownBy(perform(retry({ signal: controller.signal })))).toBe(reason);
    expect([asked, stateOf()]).toEqual([[], 'intended']);
    await expect(perform(retry())).resolves.toMatchObject({ runId: '6' });
  });

  it('is looked up if the call was under way', async () => {
    const controller = new AbortController();
    const send = () => {
      controller.abort(reason);
      return Promise.reject(reason);
    };
    expect(await thrownBy(perform(retry({ send, signal: controller.signal })))).toBe(reason);
    expect(stateOf()).toBe('sent');
    expect(await thrownBy(perform(retry()))).toMatchObject({ delayMs: 10 * SECOND });
  });

  it('is looked up whatever the reason of the abort says, because that is about another call', async () => {
    const refused = new ActionRefusedError({ reason: 'over', message: 'the other run is over' });
    for (const [index, other] of [refused, apiError('not-found'), apiError('no-token')].entries()) {
      const key = `key ${index}`;
      const controller = new AbortController();
      const send = () => {
        controller.abort(other);
        return Promise.reject(other);
      };
      expect(await thrownBy(perform(retry({ key, send, signal: controller.signal })))).toBe(other);
      expect(stateOf(key)).toBe('sent');
    }
    expect(lines[0]).toContain('has no answer: it was aborted. It is looked up');
  });

  it('keeps an answer that came all the same', async () => {
    const controller = new AbortController();
    const send = () => {
      controller.abort(reason);
      return Promise.resolve({ runId: '6' });
    };
    await expect(perform(retry({ send, signal: controller.signal }))).resolves.toEqual({ runId: '6' });
    expect(stateOf()).toBe('answered');
  });

  it('does not count a look-up that was under way', async () => {
    await unanswered();
    const controller = new AbortController();
    const find = () => {
      controller.abort(reason);
      return Promise.reject(reason);
    };
    expect(await thrownBy(perform(retry({ find, signal: controller.signal })))).toBe(reason);
    expect(store.rows.get(KEY)).toMatchObject({ state: 'sent', looks: 0 });
  });
});

describe('the limit of retries', () => {
  it('refuses a retry without a call, and is logged once for each root run', async () => {
    store.limited = { rootRun: '3', retries: 1 };
    const error = await thrownBy(perform(retry()));
    expect(error).toMatchObject({
      code: 'RUNHOOKS_ACTION_REFUSED',
      reason: 'retries-max' satisfies ActionRefusalReason,
    });
    expect(isPermanentError(error)).toBe(true);
    await thrownBy(perform(retry({ key: 'other' })));
    store.limited = { rootRun: '4', retries: 2 };
    await thrownBy(perform(retry({ key: 'third', retriesMax: 2 })));
    expect(asked).toEqual([]);
    const start = 'warn Action retry of run 5 of source "dbt" was refused: expected at most';
    const end = 'Mend the cause of the failure, or raise retriesMax [RUNHOOKS_RETRIES_MAX]';
    expect(lines).toEqual([
      `${start} 1 retry of root run 3, and 1 was started before. ${end}`,
      `${start} 2 retries of root run 4, and 2 were started before. ${end}`,
    ]);
  });

  it('is that of the call', async () => {
    await perform(retry({ retriesMax: 0 }));
    expect(store.wanted).toMatchObject({ retriesMax: 0 });
  });
});

describe('an action that is asked for wrongly', () => {
  it('is refused if its key belongs to another action', async () => {
    await perform(retry());
    const error = await thrownBy(perform(retry({ kind: 'cancel' })));
    expect(error).toMatchObject({ code: 'RUNHOOKS_ACTION_KEY' });
    expect(error.message).toBe(
      'cancel({ key: "dlv_1" }): expected a key of no other action, got that of the retry of run 5 of source "dbt" for a cancel of ' +
        'run 5 of source "dbt". Use a key of its own, such as `${delivery.id}:cancel`',
    );
    expect(isPermanentError(error)).toBe(true);
    expect((await thrownBy(perform(retry({ target: '8' })))).message).toContain('for a retry of run 8');
    expect(asked).toHaveLength(1);
  });

  it.each([
    [{ key: '' }, 'retry({ key })'],
    [{ key: 5 as never }, 'retry({ key })'],
    [{ key: 'x'.repeat(201) }, 'retry({ key })'],
    [{ key: 'a\0b' }, 'retry({ key })'],
    [{ target: '' }, 'retry(run).id'],
    [{ target: 5 as never }, 'retry(run).id'],
    [{ target: 'x'.repeat(256), kind: 'cancel' as const }, 'cancel(run).id'],
    [{ target: 'x'.repeat(256), kind: 'trigger' as const }, 'trigger(job)'],
    [{ retriesMax: -1 }, 'retry({ retriesMax })'],
    [{ retriesMax: 1.5 }, 'retry({ retriesMax })'],
    [{ retriesMax: '2' as never }, 'retry({ retriesMax })'],
    [{ onUnknown: 'Again' as never }, 'retry({ onUnknown })'],
    [{ onUnknown: true as never }, 'retry({ onUnknown })'],
  ])('names the option: %j', async (changes, option) => {
    expect(await thrownBy(perform(retry(changes)))).toMatchObject({ code: 'RUNHOOKS_CONFIGURATION', option });
    expect(store.calls).toEqual([]);
  });

  it('is refused with arguments that cannot be stored, before anything is written', async () => {
    const circular: { self?: object } = {};
    circular.self = circular;
    for (const request of [circular, { threads: 8n }, { cause: 'x'.repeat(LIMITS.actionRequestCharsMax) }]) {
      const error = await thrownBy(perform(retry({ request })));
      expect(error).toMatchObject({ code: 'RUNHOOKS_CONFIGURATION', option: 'retry({ … })' });
      expect(error.message.length).toBeLessThan(200);
    }
    expect([store.calls, asked]).toEqual([[], []]);
    await perform(retry({ request: { cause: '\ud800 \0 😀' } }));
    expect(store.wanted?.request).toBe(String.raw`{"cause":"\ud800 \u0000 😀"}`);
  });

  it('accepts the longest key, and printable ones of any script', async () => {
    await perform(retry({ key: 'x'.repeat(200) }));
    await perform(retry({ key: 'Auftrag für 日本', send: () => Promise.resolve({ runId: '7' }) }));
  });

  it('needs an inbox that keeps actions', async () => {
    const error = await thrownBy(perform(retry(), workerWith(undefined)));
    expect(error).toMatchObject({ code: 'RUNHOOKS_CONFIGURATION', option: 'inbox' });
    expect(error.message).toContain('Use sqliteInbox or postgresInbox');
  });
});

describe('an action that an operator has decided', () => {
  it('has the answer that the operator found', async () => {
    await unanswered();
    store.end({ state: 'answered', answer: { runId: '9' } });
    await expect(perform(retry())).resolves.toEqual({ runId: '9' });
  });

  it('is called again if nothing was done', async () => {
    await unanswered();
    store.end({ state: 'intended', dueAt: new Date(now) });
    await expect(perform(retry())).resolves.toMatchObject({ runId: '6' });
    expect(asked).toEqual([`send ${MARK}`]);
  });
});
