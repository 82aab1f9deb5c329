import { readFileSync } from 'node:fs';
import { RUN_SIGNAL_TYPES, type RunKey, type RunSignalType } from 'nestjs-runhooks/core';
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

/** One webhook of a run, as its provider sends it: `again` makes the same statement as a message of its own. */
interface Told {
  readonly types: readonly RunSignalType[];
  readonly startedAt?: Date;
  readonly finishedAt?: Date;
  readonly webhook: SignedWebhook;
  readonly again: SignedWebhook;
}

/** All that a provider says about one run that ends one way. */
interface ToldRun {
  readonly name: string;
  readonly source: string;
  readonly key: RunKey;
  readonly messages: readonly Told[];
}

const STARTED: readonly RunSignalType[] = ['run.started'];
const before = (seconds: number): Date => new Date(START.getTime() - seconds * 1_000);
const STARTED_AT = before(90);
/** dbt tells of an error some seconds before the run is over. */
const ERRORED_AT = before(7);

function dbtMessage(event: DbtCloudTestEvent, types: readonly RunSignalType[], finishedAt?: Date): Told {
  const errored = event === 'failed' && { runErroredAt: ERRORED_AT.toISOString() };
  const make = () => dbtCloudWebhook({ event, now: START, payload: { data: { runId: '42', ...errored } } });
  const times = { startedAt: STARTED_AT, ...(finishedAt && { finishedAt }) };
  return { types, ...times, webhook: make(), again: make() };
}

function paradimeMessage(event: ParadimeTestEvent, types: readonly RunSignalType[]): Told {
  const make = () => paradimeWebhook({ event, now: START, payload: { id: 42 } });
  const times = { startedAt: STARTED_AT, ...(event !== 'started' && { finishedAt: START }) };
  return { types, ...times, webhook: make(), again: make() };
}

/** A payload as the provider documents it; its copy says the same in other bytes. */
function documented(name: string, types: readonly RunSignalType[], startedAt: string, finishedAt?: string): Told {
  const text = readFileSync(new URL(`../fixtures/${name}.json`, import.meta.url), 'utf8');
  const sign = name.startsWith('dbt-cloud') ? signDbtCloud : (body: string) => signParadime(body, { now: START });
  const times = { startedAt: new Date(startedAt), ...(finishedAt && { finishedAt: new Date(finishedAt) }) };
  return { types, ...times, webhook: sign(text), again: sign(JSON.stringify(JSON.parse(text))) };
}

const DBT = { source: 'dbt', key: { source: 'dbt', accountId: '43786', runId: '42' } };
const PARADIME = { source: 'paradime', key: { source: 'paradime', accountId: 'n0sg8br1m44k0ryj', runId: '42' } };
const DBT_STARTED = dbtMessage('started', STARTED);
const PARADIME_STARTED = paradimeMessage('started', STARTED);

export const TOLD_RUNS: readonly ToldRun[] = [
  {
    name: 'a run of dbt Cloud that succeeds',
    ...DBT,
    messages: [DBT_STARTED, dbtMessage('succeeded', ['run.succeeded', 'run.completed'], START)],
  },
  {
    name: 'a run of dbt Cloud that fails, which it says twice',
    ...DBT,
    messages: [
      DBT_STARTED,
      dbtMessage('failed', ['run.failed'], ERRORED_AT),
      dbtMessage('completed-failed', ['run.failed', 'run.completed'], START),
    ],
  },
  {
    name: 'a run of dbt Cloud that is canceled',
    ...DBT,
    messages: [DBT_STARTED, dbtMessage('canceled', ['run.canceled', 'run.completed'], START)],
  },
  {
    name: 'the run that dbt Cloud documents',
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
    name: `a run of Paradime that is ${end}`,
    ...PARADIME,
    messages: [PARADIME_STARTED, paradimeMessage(end, [`run.${end}`, 'run.completed'])],
  })),
  {
    name: 'the run that Paradime documents as failed',
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

/** Every order, repetition and loss; read one by one, all at once, or by both processes. */
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

/** Tells an inbox a run's webhooks in many ways, and checks that it knows the same in the end. */
export async function checkToldRun(run: ToldRun, newInbox: NewInbox, budget: PropertyBudget): Promise<void> {
  await checkProperty(lines, async (script, signal) => tell(run, await newInbox(), script, signal), budget);
}

async function tell(
  { source, key, messages }: ToldRun,
  inbox: SharedInbox,
  script: readonly Line[],
  signal: AbortSignal,
): Promise<void> {
  const handled: string[] = [];
  const two = await TwoProcesses.on(inbox, (harness) =>
    harness.on('all', ({ id }) => handled.push(id), { types: RUN_SIGNAL_TYPES }),
  );
  const told = new Set<Told>();
  try {
    for (const line of script) {
      signal.throwIfAborted();
      if (line.do === 'work') await two.process(line.by).idle();
      else if (line.do === 'restart') await two.restart(line.by);
      else {
        const message = messages[line.message % messages.length]!;
        await two.process(line.to).receive(source, line.again ? message.again : message.webhook);
        told.add(message);
      }
    }
    await two.work();
    const run = await two.process(0).inbox.run(key);
    const events = run?.events ?? [];
    const { types, ...expected } = finalRun([...told]);
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

/** What a run is, once all of these were told: their order does not matter. */
function finalRun(told: readonly Told[]) {
  const types = [...new Set(told.flatMap((one) => one.types))].sort();
  const outcome = (['succeeded', 'failed', 'canceled'] as const).find((one) => types.includes(`run.${one}`));
  const finishedAt = told.flatMap((one) => one.finishedAt ?? []).sort((one, other) => +other - +one)[0];
  return { types, outcome, startedAt: told[0]?.startedAt, finishedAt };
}
