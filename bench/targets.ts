import type { Figure } from './figures.js';

/** A performance figure under its key in the JSON. It is a target if it has a bound, otherwise information. */
export interface Target {
  readonly what: string;
  readonly atLeast?: number;
  readonly atMost?: number;
  /** The bound on Node 20, if another one. */
  readonly atLeastOnNode20?: number;
}

const hand = 'the hand-written controller, which stores nothing';
const always = 'BullMQ with appendfsync always';
const everysec = 'BullMQ with appendfsync everysec, which may lose a second';
const byHand = 'SQLite by hand';
const stripe = '@golevelup/nestjs-stripe, which stores nothing';

export const TARGETS = {
  burst_vs_bullmq_always: { what: `Burst, SQLite: over ${always}`, atLeast: 1.3 },
  burst_vs_sqlite_by_hand: { what: `Burst, SQLite: over ${byHand}, a transaction per request`, atLeast: 3.5 },
  durable_vs_hand_fastify: { what: `Burst, SQLite: over ${hand}`, atLeast: 0.8, atLeastOnNode20: 0.95 },
  sustained_vs_bullmq_always: { what: `Sustained, SQLite: over ${always}`, atLeast: 1.3 },
  sustained_vs_sqlite_by_hand: { what: `Sustained, SQLite: over ${byHand} with a batched worker`, atLeast: 1.8 },
  sustained_vs_hand_fastify: { what: `Sustained, SQLite: over ${hand}`, atLeast: 0.36 },
  ten_handlers_sustained: { what: 'Sustained, SQLite: ten handlers over one, in messages', atLeast: 0.2 },
  pg_burst_vs_graphile: { what: 'Burst, Postgres: over Graphile Worker', atLeast: 3 },
  pg_burst_vs_pgboss: { what: 'Burst, Postgres: over pg-boss', atLeast: 3 },
  pg_sustained_vs_graphile: { what: 'Sustained, Postgres, one job: over Graphile Worker', atLeast: 1.5 },
  pg_sustained_vs_pgboss: { what: 'Sustained, Postgres, one job: over pg-boss', atLeast: 2 },
  pg_two_workers: { what: 'Sustained, Postgres: two worker processes over one', atLeast: 1 },
  transport_cost: { what: 'Sustained, Postgres: CPU per message with BullMQ over the claim loop', atMost: 1.3 },
  accept_ten_handlers_cost: { what: 'Burst, SQLite: one matching handler over ten', atMost: 1.1 },
  slow_disk_gain: { what: 'Burst, fsync + 2 ms: over a transaction per request', atLeast: 12 },
  slow_disk_p99_ms: { what: 'p99 of the response at 1,000/s, fsync + 2 ms, ms', atMost: 25 },
  handoff_vs_commit: { what: 'Request to handler start, median, over one durable commit', atMost: 6 },
  drain_vs_sustained: { what: 'Drain of a backlog over the sustained rate', atLeast: 2.5 },
  drain_flatness: { what: 'Drain with many rows over drain with few', atLeast: 0.85 },
  boot_ratio_500: { what: 'Startup with 500 handlers over the same app without Runhooks', atMost: 1.35 },
  rss_mb: { what: 'Memory added at that startup, MB', atMost: 25 },
  other_routes_ratio: { what: "The host's own route, with Runhooks over without", atLeast: 0.97 },

  burst_vs_bullmq_everysec: { what: `Burst, SQLite: over ${everysec}` },
  sustained_vs_bullmq_everysec: { what: `Sustained, SQLite: over ${everysec}` },
  durable_vs_hand_fastify_paradime: { what: `Burst, SQLite, Paradime payload: over ${hand}` },
  durable_vs_hand_express: { what: `Burst, SQLite, Express: over ${hand}` },
  durable_vs_golevelup: { what: `Burst, SQLite: over ${stripe}` },
  durable_vs_bare_fastify: { what: 'Burst, SQLite: over bare Fastify, which stores nothing' },
  sustained_vs_golevelup: { what: `Sustained, SQLite: over ${stripe}` },
  handoff_p50_ms: { what: 'Request to handler start at 500/s, median, ms' },
  handoff_p99_ms: { what: 'Request to handler start at 500/s, p99, ms' },
  commit_p50_ms: { what: 'One durable SQLite commit, median, ms' },
  drain_per_s: { what: 'Drain of a backlog, deliveries per second' },
  boot_ms_500: { what: 'Startup time added with 500 handlers, ms' },
} as const satisfies Record<string, Target>;

export type TargetKey = keyof typeof TARGETS;

/** The bounds of a figure on a major version of Node. */
export interface Bounds {
  readonly atLeast: number;
  readonly atMost: number;
}

/** Returns the bounds of a target, or undefined if it is information. */
export function boundsOf({ atLeast, atMost, atLeastOnNode20 }: Target, major: number): Bounds | undefined {
  if (atLeast === undefined && atMost === undefined) return undefined;
  const least = major < 24 ? (atLeastOnNode20 ?? atLeast) : atLeast;
  return { atLeast: least ?? -Infinity, atMost: atMost ?? Infinity };
}

export function isMet({ atLeast, atMost }: Bounds, found: Figure): boolean {
  return found.median >= atLeast && found.median <= atMost;
}
