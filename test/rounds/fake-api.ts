import type {
  ApiHost,
  ApiPhase,
  ApiScope,
  ParseResult,
  ProviderApi,
  ReportedRun,
  Round,
  RoundContext,
  RunSignalType,
  Source,
} from 'nestjs-runhooks/core';
import { ProbeProvider, type ProbeMessage } from '../dispatch/probe-provider.js';

export const SOURCE = 'dbt';

/** Run of the fake API. */
export interface FakeRun {
  readonly id: string;
  readonly status?: 'running' | 'succeeded' | 'failed' | 'canceled';
  readonly job?: string;
  readonly endedAt?: Date;
  /** Whether the body cannot be parsed. */
  readonly isBad?: boolean;
  readonly branch?: string;
}

interface Envelope {
  readonly run: Omit<FakeRun, 'endedAt'> & { readonly endedAt?: string };
  readonly phase: ApiPhase;
}

/** An API in memory with one account, whose rounds report all its runs. */
export class FakeApi implements ProviderApi {
  readonly client = { name: 'client of the fake API' };
  readonly switchedOff: string[] = ['Actions are switched off, because `actToken` is missing'];
  readonly sweeps = 'all runs of account 1, every minute';
  scope: ApiScope[] = [];
  /** Runs of the account, by id. */
  readonly runs = new Map<string, FakeRun>();
  /** Calls of each round, in order. */
  readonly calls: string[] = [];
  /** Runs instead of reporting, if set. */
  instead: ((context: RoundContext) => Promise<void>) | undefined;
  host: ApiHost | undefined;
  rounds: Round[] = [{ kind: 'ended', everyMs: 60_000, run: (context) => this.#run('ended', context) }];

  /** Adds a round, which also reports all runs. */
  addRound(kind: string, everyMs: number): void {
    this.rounds.push({ kind, everyMs, run: (context) => this.#run(kind, context) });
  }

  add(run: FakeRun): void {
    this.runs.set(run.id, run);
  }

  reported(): ReportedRun[] {
    return [...this.runs.values()].map((run) => this.#reported(run));
  }

  /** Parses what the rounds have reported. */
  parse({ body }: { body: Uint8Array }): ParseResult {
    const { run, phase } = JSON.parse(Buffer.from(body).toString('utf8')) as Envelope;
    const finishedAt = run.endedAt === undefined ? undefined : new Date(run.endedAt);
    if (run.isBad) return { state: 'quarantined', reason: 'the run has no status' };
    return {
      state: 'parsed',
      messageType: 'probe.run',
      payload: { run: run.id },
      signal: {
        types: typesOf(run, phase),
        occurredAt: finishedAt ?? new Date(0),
        run: {
          id: run.id,
          status: run.status ?? 'unknown',
          job: { key: run.job ?? 'job', name: run.job ?? 'job' },
          account: { id: '1' },
          trigger: { kind: 'manual', reason: `on ${run.branch ?? 'main'}` },
          ...(finishedAt && { finishedAt }),
        },
      },
    };
  }

  async #run(kind: string, context: RoundContext): Promise<void> {
    this.calls.push(kind);
    if (this.instead) return await this.instead(context);
    await context.report(this.reported());
    await context.moveTo(`after ${this.calls.length}`);
  }

  #reported(run: FakeRun): ReportedRun {
    const { id: runId, status = 'running', endedAt } = run;
    const phases: ApiPhase[] = status === 'running' ? ['running'] : [`ended:${status}`, `complete:${status}`];
    // The real APIs change fields at every call, too.
    const body = { v: 1, run: { ...run, calls: this.calls.length }, names: {} };
    return { accountId: '1', runId, phases, ...(endedAt && { endedAt }), body };
  }
}

function typesOf({ status }: Pick<FakeRun, 'status'>, phase: ApiPhase): RunSignalType[] {
  if (status === undefined || status === 'running') return ['run.started'];
  const outcome = `run.${status}` as const;
  return phase.startsWith('complete:') ? [outcome, 'run.completed'] : ['run.started', outcome];
}

/** Returns a source of the probe with access to the API. */
export function sourceWith(api: FakeApi, name = SOURCE): Source {
  return {
    name,
    provider: 'probe',
    open: () => Object.assign(new ProbeProvider(), { parseReported: api.parse.bind(api) }),
    openApi: (host) => {
      api.host = host;
      return api;
    },
  };
}

/** Returns the body of a webhook of the source. */
export function webhook(message: ProbeMessage): Buffer {
  return Buffer.from(JSON.stringify(message));
}
