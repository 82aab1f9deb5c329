import {
  OnAllRuns,
  OnRun,
  OnRunCompleted,
  OnRunFailed,
  OnRunRecovered,
  OnRunStarted,
  OnRunStuck,
  type DeliveryContext,
  type Incident,
  type JoinedRun,
  type Run,
  type RunEvent,
  type RunFailed,
  type RunRecovered,
  type RunsJoined,
  type RunStarted,
  type RunStuck,
} from 'nestjs-runhooks';
import type {} from 'nestjs-runhooks/dbt-cloud';
import type {} from 'nestjs-runhooks/paradime';
import { expectSame } from './expect-type.js';

export class Fields {
  @OnRunFailed()
  failed(event: RunFailed): void {
    expectSame<typeof event.firstFailure, boolean>();
    expectSame<typeof event.late, boolean>();
  }

  @OnRunStarted({ includeLate: true })
  started(event: RunStarted): void {
    expectSame<typeof event.late, boolean>();
  }

  @OnRunRecovered()
  recovered(event: RunRecovered): void {
    expectSame<typeof event.incident, Incident>();
    expectSame<typeof event.run, Run>();
  }

  @OnRun('run.failed', 'run.recovered')
  narrowed(event: RunFailed | RunRecovered): string {
    return event.type === 'run.failed' ? String(event.firstFailure) : event.incident.openedAt.toISOString();
  }

  @OnRunStuck({ afterMs: 60_000, job: 'nightly-*', when: ({ run }) => run.trigger.kind === 'schedule' })
  stuck(event: RunStuck, _delivery: DeliveryContext): void {
    expectSame<typeof event.stuckAfterMs, number>();
    expectSame<typeof event.run, Run>();
  }

  @OnRunStuck({ p95Times: 3, runsMin: 10, provider: 'dbt-cloud' })
  usual(_event: RunStuck<'dbt-cloud'>): void {}

  @OnAllRuns({ jobs: ['ingest', 'transform'], withinMs: 60_000, outcome: 'completed', project: 'analytics' })
  joined(event: RunsJoined): void {
    expectSame<typeof event.runs, readonly JoinedRun[]>();
  }

  @OnAllRuns({ jobs: ['a', 'b'], withinMs: 1, when: ({ runs }) => runs.length > 0 })
  all(): void {}

  @OnRun('run.started', 'run.failed', { includeLate: true })
  lateOfSeveral(_event: RunEvent): void {}
}

export class Rejected {
  // @ts-expect-error -- only a start is left out when it is late
  @OnRunFailed({ includeLate: true })
  lateFailure(): void {}

  // @ts-expect-error -- neither of them is a start
  @OnRun('run.failed', 'run.canceled', { includeLate: true })
  lateOfSeveral(): void {}

  // @ts-expect-error -- a recovery is not a failure
  @OnRunRecovered()
  recovered(_event: RunFailed): void {}

  // @ts-expect-error -- only failures are first
  @OnRunCompleted({ when: (event) => event.firstFailure })
  first(): void {}

  // @ts-expect-error -- afterMs or p95Times is required
  @OnRunStuck()
  stuckWithoutTime(): void {}

  // @ts-expect-error -- afterMs or p95Times is required
  @OnRunStuck({ runsMin: 10 })
  stuckWithoutMultiple(): void {}

  // @ts-expect-error -- a stuck run is not a started one
  @OnRunStuck({ afterMs: 1 })
  stuck(_event: RunStarted): void {}

  // @ts-expect-error -- runs of other providers get stuck, too
  @OnRunStuck({ afterMs: 1 })
  stuckProvider(_event: RunStuck<'dbt-cloud'>): void {}

  // @ts-expect-error -- withinMs is required
  @OnAllRuns({ jobs: ['a', 'b'] })
  noWindow(): void {}

  // @ts-expect-error -- `jobs` already names the jobs
  @OnAllRuns({ jobs: ['a', 'b'], withinMs: 1, job: 'a' })
  job(): void {}

  // @ts-expect-error -- no such outcome
  @OnAllRuns({ jobs: ['a', 'b'], withinMs: 1, outcome: 'failed' })
  outcome(): void {}

  // @ts-expect-error -- several runs, not one
  @OnAllRuns({ jobs: ['a', 'b'], withinMs: 1, when: ({ run }) => run.id !== '' })
  oneRun(): void {}
}
