import { readFileSync } from 'node:fs';
import type { RunKey, RunSignalType } from 'nestjs-runhooks/core';
import { RUN_SIGNAL_TYPES } from 'nestjs-runhooks/internal';
import {
  dbtCloudWebhook,
  paradimeWebhook,
  signDbtCloud,
  signParadime,
  type DbtCloudTestEvent,
  type ParadimeTestEvent,
  type SignedWebhook,
} from 'nestjs-runhooks/testing';
import fc from 'fast-check';
import { START } from '../dispatch/dispatch-harness.js';
import { checkProperty, type PropertyBudget } from '../property.js';
import { same } from './same.js';
import { TwoProcesses, type NewInbox, type SharedInbox } from './shared-inbox.js';

/** One webhook of a run as its provider sends it. `again` repeats its content as a separate message. */
interface RunWebhook {
  readonly types: readonly RunSignalType[];
  readonly startedAt?: Date;
  readonly finishedAt?: Date;
  readonly webhook: SignedWebhook;
  readonly again: SignedWebhook;
}

/** All webhooks a provider sends about one run that ends in one way. */
interface RunCase {
  readonly name: string;
  readonly source: string;
  readonly key: RunKey;
  readonly messages: readonly RunWebhook[];
}

const STARTED: readonly RunSignalType[] = ['run.started'];
const before = (seconds: number): Date => new Date(START.getTime() - seconds * 1_000);
const STARTED_AT = before(90);
/** dbt reports an error some seconds before the run is over. */
const ERRORED_AT = before(7);

function dbtMessage(event: DbtCloudTestEvent, types: readonly RunSignalType[], finishedAt?: Date): RunWebhook {
  const errored = event === 'failed' && { runErroredAt: ERRORED_AT.toISOString() };
  const make = () => dbtCloudWebhook({ event, now: START, payload: { data: { runId: '42', ...errored } } });
  const times = { startedAt: STARTED_AT, ...(finishedAt && { finishedAt }) };
  return { types, ...times, webhook: make(), again: make() };
}

function paradimeMessage(event: ParadimeTestEvent, types: readonly RunSignalType[]): RunWebhook {
  const make = () => paradimeWebhook({ event, now: START, payload: { id: 42 } });
  const times = { startedAt: STARTED_AT, ...(event !== 'started' && { finishedAt: START }) };
  return { types, ...times, webhook: make(), again: make() };
}

/** Returns a documented payload. Its copy has the same content in other bytes. */
function documented(name: string, types: readonly RunSignalType[], startedAt: string, finishedAt?: string): RunWebhook {
  const text = readFileSync(new URL(`../fixtures/${name}.json`, import.meta.url), 'utf8');
  const sign = name.startsWith('dbt-cloud') ? signDbtCloud : (body: string) => signParadime(body, { now: START });
  const times = { startedAt: new Date(startedAt), ...(finishedAt && { finishedAt: new Date(finishedAt) }) };
  return { types, ...times, webhook: sign(text), again: sign(JSON.stringify(JSON.parse(text))) };
}

const DBT = { source: 'dbt', key: { source: 'dbt', accountId: '43786', runId: '42' } };
const PARADIME = { source: 'paradime', key: { source: 'paradime', accountId: 'n0sg8br1m44k0ryj', runId: '42' } };
const DBT_STARTED = dbtMessage('started', STARTED);
const PARADIME_STARTED = paradimeMessage('started', STARTED);

export const RUN_CASES: readonly RunCase[] = [
  {
    name: 'is the same for a successful dbt Cloud run',
    ...DBT,
    messages: [DBT_STARTED, dbtMessage('succeeded', ['run.succeeded', 'run.completed'], START)],
  },
  {
    name: 'is the same for a failed dbt Cloud run, which is reported twice',
    ...DBT,
    messages: [
      DBT_STARTED,
      dbtMessage('failed', ['run.failed'], ERRORED_AT),
      dbtMessage('completed-failed', ['run.failed', 'run.completed'], START),
    ],
  },
  {
    name: 'is the same for a canceled dbt Cloud run',
    ...DBT,
    messages: [DBT_STARTED, dbtMessage('canceled', ['run.canceled', 'run.completed'], START)],
  },
  {
    name: 'is the same for the run documented by dbt Cloud',
    source: 'dbt',
    key: { source: 'dbt', accountId: '1', runId: '12345' },
    messages: [
      documented('dbt-cloud/11-started', STARTED, '2023-01-31T19:28:07Z'),
      documented(
        'dbt-cloud/12-completed',
        ['run.succeeded', 'run.completed'],
        '2023-01-31T19:28:07Z',
        '2023-01-31T19:29:32Z',
      ),
    ],
  },
  ...(['succeeded', 'failed', 'canceled'] as const).map((end) => ({
    name: `is the same for a ${end} Paradime run`,
    ...PARADIME,
    messages: [PARADIME_STARTED, paradimeMessage(end, [`run.${end}`, 'run.completed'])],
  })),
  {
    name: 'is the same for the failed run documented by Paradime',
    source: 'paradime',
    key: { source: 'paradime', accountId: 'n0sg8br1m44k0ryj', runId: '63187' },
    messages: [
      documented(
        'paradime/run-completed-failed',
        ['run.failed', 'run.completed'],
        '2023-10-15T16:44:01.476Z',
        '2023-10-15T16:44:39.891Z',
      ),
    ],
  },
];

type Line =
  | { readonly do: 'send'; readonly message: number; readonly again: boolean; readonly to: 0 | 1 }
  | { readonly do: 'work'; readonly by: 0 | 1 }
  | { readonly do: 'restart'; readonly by: 0 | 1 };

const which = fc.constantFrom<0 | 1>(0, 1);

/** Every order, repetition and loss; parsed one by one, all at once, or by both processes. */
const lines: fc.Arbitrary<readonly Line[]> = fc.array(
  fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({ do: fc.constant('send' as const), message: fc.nat(2), again: fc.boolean(), to: which }),
    },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('work' as const), by: which }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('restart' as const), by: which }) },
  ),
  { maxLength: 12 },
);

/** Sends a run's webhooks to an inbox in many ways and checks that the final state is the same. */
export async function checkRunWebhooks(run: RunCase, newInbox: NewInbox, budget: PropertyBudget): Promise<void> {
  await checkProperty(lines, async (script, signal) => sendAll(run, await newInbox(), script, signal), budget);
}

async function sendAll(
  { source, key, messages }: RunCase,
  inbox: SharedInbox,
  script: readonly Line[],
  signal: AbortSignal,
): Promise<void> {
  const handled: string[] = [];
  const two = await TwoProcesses.on(inbox, (harness) =>
    harness.on('all', ({ id }) => handled.push(id), { types: RUN_SIGNAL_TYPES }),
  );
  const sent = new Set<RunWebhook>();
  try {
    for (const line of script) {
      signal.throwIfAborted();
      if (line.do === 'work') await two.process(line.by).idle();
      else if (line.do === 'restart') await two.restart(line.by);
      else {
        const message = messages[line.message % messages.length]!;
        await two.process(line.to).receive(source, line.again ? message.again : message.webhook);
        sent.add(message);
      }
    }
    await two.work();
    const run = await two.process(0).inbox.run(key);
    const events = run?.events ?? [];
    const { types, ...expected } = finalRun([...sent]);
    if (types.length > 0) {
      same([...(run?.types ?? [])].sort(), types, 'what has happened to the run');
      const { outcome, startedAt, finishedAt, contradicted } = run ?? {};
      same(
        { outcome, startedAt, finishedAt, contradicted },
        { ...expected, contradicted: false },
        'the run in the end',
      );
    }
    same(events.map(({ type }) => type).sort(), types, 'its events, each once');
    same(handled.sort(), events.map(({ id }) => id).sort(), 'what was handled, once');
  } finally {
    await two.end();
  }
}

/** Returns the final state of a run after all these webhooks; their order does not matter. */
function finalRun(sent: readonly RunWebhook[]) {
  const types = [...new Set(sent.flatMap((one) => one.types))].sort();
  const outcome = (['succeeded', 'failed', 'canceled'] as const).find((one) => types.includes(`run.${one}`));
  const finishedAt = sent.flatMap((one) => one.finishedAt ?? []).sort((one, other) => +other - +one)[0];
  return { types, outcome, startedAt: sent[0]?.startedAt, finishedAt };
}
