import type { Figure } from './figures.js';

/** A performance target; its key is the same as in the JSON. */
export interface Target {
  readonly what: string;
  readonly payload: 'dbt' | 'Paradime' | '';
  readonly atLeast?: number;
  readonly atMost?: number;
}

const hand = 'the hand-written controller, which stores nothing';

export const TARGETS = {
  durable_vs_hand_fastify: { what: `burst, Fastify: over ${hand}`, payload: 'dbt', atLeast: 1 },
  durable_vs_hand_fastify_paradime: { what: `burst, Fastify: over ${hand}`, payload: 'Paradime', atLeast: 0.8 },
  durable_vs_hand_express: { what: `burst, Express: over ${hand}`, payload: 'dbt', atLeast: 1.15 },
  durable_vs_golevelup: {
    what: 'burst: Fastify over @golevelup/nestjs-stripe, on Express as it documents',
    payload: 'dbt',
    atLeast: 3,
  },
  durable_vs_bare_fastify: { what: 'burst, Fastify: over bare Fastify', payload: 'dbt', atLeast: 0.75 },
  sustained_vs_hand_fastify: { what: `sustained, Fastify: over ${hand}`, payload: 'dbt', atLeast: 0.3 },
  sustained_vs_golevelup: { what: 'sustained: Fastify over @golevelup/nestjs-stripe', payload: 'dbt', atLeast: 1 },
  accept_ten_handlers_cost: { what: 'burst: one matching handler over ten', payload: 'dbt', atMost: 1.1 },
  slow_disk_gain: { what: 'burst, fsync + 2 ms: over a transaction per request', payload: 'dbt', atLeast: 12 },
  slow_disk_p99_ms: { what: 'p99 of the answer at 1,000/s, fsync + 2 ms, dispatching', payload: 'dbt', atMost: 25 },
  handoff_p50_ms: { what: 'POST to handler start at 500/s, median', payload: 'dbt', atMost: 5 },
  handoff_p99_ms: { what: 'POST to handler start at 500/s, p99', payload: 'dbt', atMost: 20 },
  drain_per_s: { what: 'deliveries of a backlog, per second', payload: 'dbt', atLeast: 8_000 },
  drain_flatness: { what: 'drain with many rows over drain with few', payload: 'dbt', atLeast: 0.85 },
  boot_ms_500: { what: 'boot with 500 handlers, more than without us', payload: '', atMost: 120 },
  rss_mb: { what: 'memory after that boot, more than without us', payload: '', atMost: 25 },
  other_routes_ratio: { what: "the host's own route, with us over without", payload: '', atLeast: 0.97 },
} as const satisfies Record<string, Target>;

export type TargetKey = keyof typeof TARGETS;

export function isMet({ atLeast = -Infinity, atMost = Infinity }: Target, found: Figure): boolean {
  return found.median >= atLeast && found.median <= atMost;
}
