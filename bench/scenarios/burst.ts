import type { Bench } from '../bench.js';
import type { ContenderName } from '../contenders/contenders.js';
import { ratio, type Figure } from '../figures.js';
import type { Findings } from '../findings.js';
import { lineOf } from '../line-of.js';
import type { SenderName } from '../load/senders.js';
import { absenceOfPostgres } from '../postgres.js';
import { race, type Entrant, type Sample } from '../samples.js';

const SENDER_OF: Partial<Record<ContenderName, SenderName>> = {
  octokit: 'github',
  'golevelup-express': 'stripe',
  'golevelup-fastify': 'stripe',
};

const ALL: readonly ContenderName[] = [
  'bare-http',
  'bare-fastify',
  'hand-fastify',
  'hand-fastify-validated',
  'hand-express',
  'hand-express-validated',
  'octokit',
  'golevelup-express',
  'golevelup-fastify',
  'ours-fastify',
  'ours-fastify-ten',
  'ours-express',
];

const WITH_PARADIME: readonly ContenderName[] = [
  'bare-http',
  'bare-fastify',
  'hand-fastify',
  'hand-fastify-validated',
  'hand-express',
  'ours-fastify',
  'ours-express',
];

/** Measures the cost of the response, while nothing is parsed and no handler runs. */
export async function burst(bench: Bench): Promise<Findings> {
  const reason = await absenceOfPostgres();
  const entrants: Entrant[] = [];
  const paradimeEntrants: Entrant[] = [];
  for (const name of reason === undefined ? [...ALL, 'ours-postgres' as const] : ALL) {
    const contender = await bench.start(name);
    entrants.push({ contender, sender: SENDER_OF[name] ?? 'dbt' });
    if (WITH_PARADIME.includes(name)) paradimeEntrants.push({ contender, sender: 'paradime' });
  }
  bench.print('burst, dbt payload');
  const dbt = await race(bench, entrants, bench.plan.burst);
  bench.print('burst, Paradime payload');
  const paradime = await race(bench, paradimeEntrants, bench.plan.burst);
  await proveDone(entrants);
  const over = throughputRatios(dbt);
  const more = [
    ['Fastify over @golevelup/nestjs-stripe on Fastify', over('ours-fastify', 'golevelup-fastify')],
    ['Fastify over the hand-written controller with class-validator', over('ours-fastify', 'hand-fastify-validated')],
    ['Fastify over @octokit/webhooks', over('ours-fastify', 'octokit')],
    ['Express over the hand-written controller, Paradime', throughputRatios(paradime)('ours-express', 'hand-express')],
  ] as const;
  return {
    targets: {
      durable_vs_hand_fastify: over('ours-fastify', 'hand-fastify'),
      durable_vs_hand_fastify_paradime: throughputRatios(paradime)('ours-fastify', 'hand-fastify'),
      durable_vs_hand_express: over('ours-express', 'hand-express'),
      durable_vs_golevelup: over('ours-fastify', 'golevelup-express'),
      durable_vs_bare_fastify: over('ours-fastify', 'bare-fastify'),
      accept_ten_handlers_cost: over('ours-fastify', 'ours-fastify-ten'),
    },
    lines: {
      'Burst, dbt payload': [...dbt].map(([entrant, samples]) => lineOf(entrant, samples)),
      'Burst, Paradime payload': [...paradime].map(([entrant, samples]) => lineOf(entrant, samples)),
    },
    notes: [
      ...more.map(([what, found]) => `Burst, ${what}: ${found.median.toFixed(2)}.`),
      ...(reason === undefined ? [] : [`(g) Postgres was skipped: ${reason}.`]),
    ],
  };
}

function throughputRatios(results: ReadonlyMap<Entrant, readonly Sample[]>) {
  const of = (name: ContenderName): number[] => {
    const found = [...results].find(([{ contender }]) => contender.name === name);
    return found?.[1].map(({ perSecond }) => perSecond) ?? [];
  };
  return (over: ContenderName, under: ContenderName): Figure => ratio(of(over), of(under));
}

/** Checks that each message with a 200 response is in the inbox once, or was handled if there is no inbox. */
async function proveDone(entrants: readonly Entrant[]): Promise<void> {
  for (const { contender } of entrants) {
    const { name, sent } = contender;
    const counts = await contender.counts();
    const stored = counts && Object.values(counts.messages).reduce((sum, count) => sum + count, 0);
    const done = stored ?? (await contender.usage()).handled;
    if (done !== sent)
      throw new Error(`${name}: ${sent} messages got a 200 response, but ${done} were stored or handled`);
  }
}
