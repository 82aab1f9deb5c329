import type { Measurement } from './measure.js';
import { CONCURRENCY, TRANSPORTS, type TransportName } from './measured-setup.js';

export interface Report {
  readonly date: string;
  readonly machine: string;
  readonly measurements: readonly Measurement[];
}

const TITLES: Readonly<Record<TransportName, string>> = {
  'claim loop': 'Postgres alone: workers claim deliveries from the inbox',
  bullmq: 'Postgres with BullMQ: Redis delivers the ids of deliveries',
};

/** Share of a maximum from which the maximum counts as the limit. */
const NEAR = 0.85;

const COLUMNS = [
  'handler',
  'workers',
  'handled/s',
  'speedup',
  'CPU ms per delivery: worker',
  'other',
  'cores in use',
  'limited by',
];

export function toMarkdown({ date, machine, measurements }: Report): string {
  return `${[
    '# Throughput by number of workers',
    `Written by \`npm run bench:cluster -- --write\`; do not edit. ${date}, ${machine}.`,
    'Each worker is a separate process with the default `concurrency` of ' +
      `${CONCURRENCY}. Another process stores messages as fast as Postgres accepts them. The measured time goes from the ` +
      'first message to the end of the last handler. It includes storing a message, claiming and parsing it, recording its ' +
      'run, event and delivery, claiming the delivery, running its handler, and recording its success. Everything runs on ' +
      'one machine, so an added worker takes cores from Postgres, which it would not do on a separate machine. "Other" is ' +
      'the CPU time of all other processes: Postgres, Redis, the kernel, and the process that stores.',
    ...TRANSPORTS.flatMap((transport) => {
      const own = measurements.filter((one) => one.transport === transport);
      return own.length === 0 ? [] : [`## ${TITLES[transport]}`, table(own)];
    }),
    '## Limits',
    '- **Handlers that wait**: a worker runs `concurrency` handlers at a time, so it handles at most `concurrency` divided ' +
      'by the duration of one handler. More workers or a higher `concurrency` run more handlers at a time, until another ' +
      'limit is reached.',
    '- **The cores of the machine**: the CPU time per delivery, of the worker and of Postgres, times the deliveries per ' +
      'second cannot exceed the available CPU time. Then only more cores help, or fewer handlers per event.',
    '- **Waiting for commits**: neither of the other limits. A worker runs one step after another, and each step is a ' +
      'transaction that is flushed to the disk. More workers wait at the same time, and Postgres flushes their commits ' +
      'together.',
  ].join('\n\n')}\n`;
}

export function toText({ measurements }: Report): string {
  return measurements.map((one) => `${one.transport}, ${rowOf(one, measurements).join(', ')}`).join('\n');
}

function table(measurements: readonly Measurement[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const rows = measurements.map((one) => line(rowOf(one, measurements)));
  return [line(COLUMNS), line(COLUMNS.map(() => '---')), ...rows].join('\n');
}

function rowOf(one: Measurement, all: readonly Measurement[]): string[] {
  const alone = all.find(
    ({ transport, handlerMs, workers }) => transport === one.transport && handlerMs === one.handlerMs && workers === 1,
  );
  return [
    one.handlerMs === 0 ? 'does nothing' : `waits ${one.handlerMs} ms`,
    String(one.workers),
    one.perSecond.toFixed(0),
    alone ? (one.perSecond / alone.perSecond).toFixed(1) : '-',
    one.dispatcherCpuMs.toFixed(2),
    one.otherCpuMs.toFixed(2),
    `${(one.busy * 100).toFixed(0)} %`,
    limitOf(one),
  ];
}

function limitOf({ handlerMs, workers, perSecond, busy }: Measurement): string {
  const mostPerSecond = (workers * CONCURRENCY * 1_000) / handlerMs;
  if (perSecond >= NEAR * mostPerSecond) return 'handlers that wait';
  return busy >= NEAR ? 'the cores of the machine' : 'waiting for commits';
}
