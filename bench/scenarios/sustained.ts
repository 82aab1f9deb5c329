import type { Bench } from '../bench.js';
import { Compared, startAll } from '../compared.js';
import type { ContenderName } from '../contenders/contenders.js';
import type { Findings } from '../findings.js';
import { median } from '../quantile.js';
import { proveDone, type Entrant, type Sample } from '../samples.js';
import { flatRate } from './flat-rate.js';

type Wanted = Omit<Entrant, 'contender'> & { readonly name: ContenderName };

const one = (name: ContenderName): Wanted => ({ name, sender: 'dbt', deliveries: 1 });

const NEEDED: readonly Wanted[] = [
  one('hand-fastify'),
  one('ours-dispatching'),
  one('bullmq-always-working'),
  one('sqlite-by-hand-working'),
  { name: 'ours-dispatching-ten', sender: 'dbt', deliveries: 10 },
];

const OTHERS: readonly Wanted[] = [
  one('bullmq-everysec-working'),
  { name: 'golevelup-express', sender: 'stripe', deliveries: 1 },
  one('ours-dispatching-express'),
];

/**
 * Measures how many messages one process receives and handles, with one handler that does nothing: a turn lasts until
 * everything that was sent has been handled.
 */
export async function sustained(bench: Bench): Promise<Findings> {
  const wanted = bench.plan.hasEveryContender ? [...NEEDED, ...OTHERS] : NEEDED;
  const { entrants, notes } = await startAll(bench, wanted);
  bench.print('sustained, dbt payload');
  const compared = await Compared.inRace(bench, entrants, bench.plan.sustained);
  if (bench.plan.hasEveryContender) notes.push(await flatNote(bench, entrants, compared));
  for (const entrant of entrants) await proveDone(entrant);
  return {
    targets: compared.ratios({
      sustained_vs_bullmq_always: ['ours-dispatching', 'bullmq-always-working'],
      sustained_vs_sqlite_by_hand: ['ours-dispatching', 'sqlite-by-hand-working'],
      sustained_vs_bullmq_everysec: ['ours-dispatching', 'bullmq-everysec-working'],
      sustained_vs_hand_fastify: ['ours-dispatching', 'hand-fastify'],
      sustained_vs_golevelup: ['ours-dispatching', 'golevelup-express'],
      ten_handlers_sustained: ['ours-dispatching-ten', 'ours-dispatching'],
    }),
    lines: { 'Sustained, dbt payload': compared.lines },
    notes,
  };
}

async function flatNote(bench: Bench, entrants: readonly Entrant[], compared: Compared): Promise<string> {
  const ours = entrants.find(({ contender }) => contender.name === 'ours-dispatching') as Entrant;
  const capacity = median(compared.of('ours-dispatching') ?? []);
  const flat = await flatRate(bench, ours.contender, capacity);
  return (
    `Sustained, SQLite: sent as fast as responses arrived and handled completely, the rate was ${capacity.toFixed(0)}/s. ` +
    `Sent evenly for ${bench.plan.sustained.pacedSeconds} s, the backlog stayed flat at ${flat.toFixed(0)}/s.`
  );
}

/** Measures the same on Postgres, where all messages belong to one job, and the cost of BullMQ as dispatch backend. */
export async function postgresSustained(bench: Bench): Promise<Findings> {
  const names = [
    'ours-dispatching-postgres',
    'graphile-working',
    'pg-boss-working',
    'ours-dispatching-bullmq',
  ] as const;
  const { entrants, notes } = await startAll(bench, names.map(one));
  if (entrants.length === 0) return { targets: {}, notes };
  bench.print('sustained on Postgres, dbt payload');
  const compared = await Compared.inRace(bench, entrants, bench.plan.sustained);
  for (const entrant of entrants) await proveDone(entrant);
  const cost = ({ cpuUs, serverCpuUs }: Sample): number => cpuUs + serverCpuUs;
  return {
    targets: {
      ...compared.ratios({
        pg_sustained_vs_graphile: ['ours-dispatching-postgres', 'graphile-working'],
        pg_sustained_vs_pgboss: ['ours-dispatching-postgres', 'pg-boss-working'],
      }),
      ...compared.ratios({ transport_cost: ['ours-dispatching-bullmq', 'ours-dispatching-postgres'] }, cost),
    },
    lines: { 'Sustained on Postgres, dbt payload': compared.lines },
    notes,
  };
}

/** Compares two worker processes with one, next to a receiver in a process of its own. */
export async function postgresWorkers(bench: Bench): Promise<Findings> {
  const { entrants, notes } = await startAll(bench, [one('ours-one-worker'), one('ours-two-workers')]);
  if (entrants.length === 0) return { targets: {}, notes };
  bench.print('worker processes on Postgres, dbt payload');
  const compared = await Compared.inRace(bench, entrants, bench.plan.sustained);
  for (const entrant of entrants) await proveDone(entrant);
  return {
    targets: compared.ratios({ pg_two_workers: ['ours-two-workers', 'ours-one-worker'] }),
    lines: { 'Worker processes on Postgres, dbt payload': compared.lines },
    notes,
  };
}
