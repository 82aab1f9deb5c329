import type { Bench } from '../bench.js';
import { ratio, type Figure } from '../figures.js';
import type { Findings } from '../findings.js';
import { lineOf } from '../line-of.js';
import { race, type Entrant, type Sample } from '../samples.js';

/** Compares a route of the host in an app with Runhooks and in the same app without it. */
export async function otherRoutes(bench: Bench): Promise<Findings> {
  const names = ['host-fastify', 'host-fastify-ours', 'host-express', 'host-express-ours'] as const;
  const entrants: Entrant[] = [];
  for (const name of names) entrants.push({ contender: await bench.start(name) });
  bench.print("the host's other routes");
  const samples = await race(bench, entrants, bench.plan.otherRoutes);
  const rates = entrants.map((one) => (samples.get(one) as Sample[]).map(({ perSecond }) => perSecond));
  const [fastify = [], fastifyOurs = [], express = [], expressOurs = []] = rates;
  const both: readonly [string, Figure][] = [
    ['Fastify', ratio(fastifyOurs, fastify)],
    ['Express', ratio(expressOurs, express)],
  ];
  const [lowest] = both.toSorted(([, a], [, b]) => a.median - b.median);
  return {
    targets: { ...(lowest && { other_routes_ratio: lowest[1] }) },
    lines: { "The host's own route, GET": entrants.map((one) => lineOf(one, samples.get(one) as Sample[])) },
    notes: [
      `The host's own route, with Runhooks over without: ${both.map(([name, { median }]) => `${median.toFixed(3)} on ${name}`).join(', ')}; ` +
        'the lower ratio counts.',
    ],
  };
}
