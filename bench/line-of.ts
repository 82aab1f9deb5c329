import { TITLES } from './contender-titles.js';
import { figure } from './figures.js';
import type { Line } from './findings.js';
import type { SenderName } from './load/senders.js';
import type { Entrant, Sample } from './samples.js';

const PAYLOADS: Record<SenderName, string> = {
  dbt: 'dbt',
  paradime: 'Paradime',
  github: "dbt, GitHub's headers",
  stripe: "dbt with Stripe's fields",
};

export function lineOf({ contender, sender }: Entrant, samples: readonly Sample[]): Line {
  const of = (value: (sample: Sample) => number) => figure(samples.map(value));
  return {
    title: TITLES[contender.name],
    payload: sender ? PAYLOADS[sender] : 'GET',
    perSecond: of(({ perSecond }) => perSecond),
    p50Ms: of(({ p50Ms }) => p50Ms),
    p99Ms: of(({ p99Ms }) => p99Ms),
    cpuUs: of(({ cpuUs }) => cpuUs),
    serverCpuUs: of(({ serverCpuUs }) => serverCpuUs),
    appShare: of(({ appShare }) => appShare),
    loadShare: of(({ loadShare }) => loadShare),
  };
}
