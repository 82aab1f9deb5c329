import type { Measurement } from './measure.js';
import { CONCURRENCY, TRANSPORTS, type TransportName } from './measured-setup.js';

export interface Report {
  readonly date: string;
  readonly machine: string;
  readonly measurements: readonly Measurement[];
}

const TITLES: Readonly<Record<TransportName, string>> = {
  'claim loop': 'Postgres alone: deliveries are claimed from the inbox',
  bullmq: 'Postgres with BullMQ: their ids are brought by Redis',
};

/** Of what would be the most, the share from which on that is called the limit. */
const NEAR = 0.85;

const COLUMNS = [
  'handler',
  'workers',
  'handled/s',
  'times one',
  'CPU ms per delivery: dispatcher',
  'the rest',
  'cores in use',
  'limited by',
];

export function toMarkdown({ date, machine, measurements }: Report): string {
  return `${[
    '# Throughput by number of workers',
    `Written by \`npm run bench:cluster -- --write\`; do not edit. ${date}, ${machine}.`,
    'Each dispatcher is a process of its own with the default `concurrency` of ' +
      `${CONCURRENCY}. Another process stores messages as fast as Postgres takes them, and what is measured goes from the ` +
      'first of them to the end of the last handler: storing a message, claiming and reading it, recording its run, event ' +
      'and delivery, claiming the delivery, running its handler, recording its success. All of it is on one machine, so a ' +
      'dispatcher that is added takes cores from Postgres, which it would not on a machine of its own. "The rest" is all ' +
      'that is no dispatcher: Postgres, Redis, the kernel, and the process that stores.',
    ...TRANSPORTS.flatMap((transport) => {
      const own = measurements.filter((one) => one.transport === transport);
      return own.length === 0 ? [] : [`## ${TITLES[transport]}`, table(own)];
    }),
    '## What limits them',
    '- **Handlers that wait**: a dispatcher runs `concurrency` of them at a time, so it handles at most `concurrency` ' +
      'divided by the time of one. More workers, or a higher `concurrency`, are more handlers at a time, until one of ' +
      'the other limits is met.',
    '- **The cores of the machine**: the CPU time of one delivery, of the dispatcher and of Postgres, times the ' +
      'deliveries in a second, is all that there is. Then only more cores help, or fewer handlers per event.',
    '- **Waiting for commits**: neither of both. A dispatcher goes from one step to the next, and each step is a ' +
      'transaction that is flushed to the disk. More workers wait beside each other, and Postgres flushes their ' +
      'commits together.',
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
