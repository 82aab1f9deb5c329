import type { Bench } from '../bench.js';
import { Compared, startAll } from '../compared.js';
import type { ContenderName } from '../contenders/contenders.js';
import type { Findings } from '../findings.js';
import type { SenderName } from '../load/senders.js';
import { proveDeduplication, proveDone, type Entrant } from '../samples.js';

const SENDER_OF: Partial<Record<ContenderName, SenderName>> = {
  octokit: 'github',
  'golevelup-express': 'stripe',
  'golevelup-fastify': 'stripe',
};

const NEEDED: readonly ContenderName[] = [
  'hand-fastify',
  'ours-fastify',
  'bullmq-always',
  'sqlite-by-hand',
  'ours-fastify-ten',
];

const OTHERS: readonly ContenderName[] = [
  'bullmq-everysec',
  'bare-http',
  'bare-fastify',
  'hand-fastify-validated',
  'hand-express',
  'hand-express-validated',
  'octokit',
  'golevelup-express',
  'golevelup-fastify',
  'ours-express',
];

const WITH_PARADIME: readonly ContenderName[] = [
  'bare-fastify',
  'hand-fastify',
  'hand-fastify-validated',
  'hand-express',
  'ours-fastify',
  'ours-express',
];

/** Measures the cost of the response on SQLite and Redis, while nothing is parsed and no handler runs. */
export async function burst(bench: Bench): Promise<Findings> {
  const names = bench.plan.hasEveryContender ? [...NEEDED, ...OTHERS] : NEEDED;
  const wanted = names.map((name) => ({ name, sender: SENDER_OF[name] ?? 'dbt' }) as const);
  const { entrants, notes } = await startAll(bench, wanted);
  bench.print('burst, dbt payload');
  for (const entrant of entrants) await proveDeduplication(bench, entrant);
  const dbt = await Compared.inRace(bench, entrants, bench.plan.burst);
  const paradime = bench.plan.hasEveryContender ? await paradimeBurst(bench, entrants) : undefined;
  for (const entrant of entrants) await proveDone(entrant);
  return {
    targets: {
      ...dbt.ratios({
        burst_vs_bullmq_always: ['ours-fastify', 'bullmq-always'],
        burst_vs_sqlite_by_hand: ['ours-fastify', 'sqlite-by-hand'],
        burst_vs_bullmq_everysec: ['ours-fastify', 'bullmq-everysec'],
        durable_vs_hand_fastify: ['ours-fastify', 'hand-fastify'],
        durable_vs_hand_express: ['ours-express', 'hand-express'],
        durable_vs_golevelup: ['ours-fastify', 'golevelup-express'],
        durable_vs_bare_fastify: ['ours-fastify', 'bare-fastify'],
        accept_ten_handlers_cost: ['ours-fastify', 'ours-fastify-ten'],
      }),
      ...paradime?.ratios({ durable_vs_hand_fastify_paradime: ['ours-fastify', 'hand-fastify'] }),
    },
    lines: {
      'Burst, dbt payload': dbt.lines,
      ...(paradime && { 'Burst, Paradime payload': paradime.lines }),
    },
    notes,
  };
}

async function paradimeBurst(bench: Bench, entrants: readonly Entrant[]): Promise<Compared> {
  bench.print('burst, Paradime payload');
  const chosen = entrants.filter(({ contender }) => WITH_PARADIME.includes(contender.name));
  const turned = chosen.map(({ contender }): Entrant => ({ contender, sender: 'paradime' }));
  return await Compared.inRace(bench, turned, bench.plan.burst);
}

/** Measures the cost of the response on Postgres. */
export async function postgresBurst(bench: Bench): Promise<Findings> {
  const names = ['ours-postgres', 'graphile', 'pg-boss'] as const;
  const wanted = names.map((name) => ({ name, sender: 'dbt' }) as const);
  const { entrants, notes } = await startAll(bench, wanted);
  if (entrants.length === 0) return { targets: {}, notes };
  bench.print('burst on Postgres, dbt payload');
  for (const entrant of entrants) await proveDeduplication(bench, entrant);
  const compared = await Compared.inRace(bench, entrants, bench.plan.burst);
  for (const entrant of entrants) await proveDone(entrant);
  return {
    targets: compared.ratios({
      pg_burst_vs_graphile: ['ours-postgres', 'graphile'],
      pg_burst_vs_pgboss: ['ours-postgres', 'pg-boss'],
    }),
    lines: { 'Burst on Postgres, dbt payload': compared.lines },
    notes,
  };
}
