// Handlers of results get the events of runs and nodes, typed by decorator, provider and state of the results.
import {
  OnNodeFailed,
  OnNodeRecovered,
  OnRunFailed,
  OnRunResults,
  type DeliveryContext,
  type Incident,
  type MissingResultsReason,
  type NodeFailed,
  type NodeKind,
  type NodeName,
  type NodeRecovered,
  type NodeResult,
  type Run,
  type RunFailed,
  type RunResults,
  type RunResultsEvent,
  type WebhookEvent,
  type WebhooksOptions,
} from 'nestjs-runhooks';
import type { DbtCloudPayload } from 'nestjs-runhooks/dbt-cloud';
import type { ParadimePayload } from 'nestjs-runhooks/paradime';
import { expectSame } from './expect-type.js';

export class Fields {
  @OnRunResults({ environment: 'Production', id: 'board.update', serialize: 'job' })
  results(event: RunResultsEvent, _delivery: DeliveryContext): void {
    expectSame<typeof event.run, Run>();
    expectSame<typeof event.results, RunResults>();
    expectSame<typeof event.isolated, boolean>();
  }

  @OnNodeFailed({ kind: ['model', 'test'], node: 'stg_*', package: 'shop', includeIsolated: true, job: 'nightly-*' })
  failed(event: NodeFailed): void {
    expectSame<typeof event.run, Run>();
    expectSame<typeof event.node, NodeResult>();
    expectSame<typeof event.node.kind, NodeKind>();
    expectSame<typeof event.firstFailure, boolean>();
    expectSame<typeof event.late, boolean>();
    expectSame<typeof event.isolated, boolean>();
    expectSame<typeof event.incident, Incident | undefined>();
  }

  @OnNodeRecovered({ kind: 'test', when: ({ incident }) => incident.failures > 1 })
  recovered(event: NodeRecovered): void {
    expectSame<typeof event.node, NodeName>();
    expectSame<typeof event.incident, Incident>();
  }

  @OnNodeFailed({ id: 'stacked', when: ({ firstFailure, node }) => firstFailure && node.kind === 'test' })
  @OnNodeRecovered()
  stacked(event: NodeFailed | NodeRecovered): string {
    return event.type === 'node.failed' ? event.node.status : event.incident.openedAt.toISOString();
  }

  @OnNodeFailed({ provider: 'dbt-cloud' })
  oneProvider(event: NodeFailed<'dbt-cloud'>): void {
    expectSame<typeof event.payload, DbtCloudPayload>();
  }

  @OnRunResults({ provider: ['dbt-cloud', 'paradime'], when: ({ results }) => results.state === 'available' })
  twoProviders(event: RunResultsEvent): void {
    if (event.provider === 'paradime') expectSame<typeof event.payload, ParadimePayload>();
    if (event.provider === 'dbt-cloud') expectSame<typeof event.payload, DbtCloudPayload>();
  }
}

export function narrowed({ results }: RunResultsEvent): number {
  if (results.state === 'missing') {
    expectSame<typeof results.reason, MissingResultsReason>();
    // @ts-expect-error -- a run without results has no numbers
    return results.counts.failed;
  }
  expectSame<typeof results.failed, readonly NodeResult[]>();
  // @ts-expect-error -- results that are available have no reason
  return results.reason === 'canceled' ? 0 : results.counts.failed + (results.kinds.test?.warned ?? 0);
}

export function anyEvent(event: WebhookEvent): boolean {
  if (event.type === 'node.failed') expectSame<typeof event, NodeFailed>();
  if (event.type === 'node.recovered') expectSame<typeof event, NodeRecovered>();
  return event.type === 'run.results' && event.results.state === 'available';
}

export const options: Pick<WebhooksOptions, 'redact'>[] = [
  { redact: (text) => text.replaceAll(/\d/g, '#') },
  { redact: (text, { kind, name, source }) => (kind === 'test' ? `${source}: ${name}` : text) },
  // @ts-expect-error -- a text is required: an empty one if nothing may be stored
  { redact: () => undefined },
  // @ts-expect-error -- the text is stored in a transaction, so the function cannot wait
  { redact: async (text: string) => await Promise.resolve(text) },
];

export class Rejected {
  // @ts-expect-error -- misspelled: 'model'
  @OnNodeFailed({ kind: 'modle' })
  kind(): void {}

  // @ts-expect-error -- misspelled: 'test'
  @OnNodeRecovered({ kind: ['model', 'tests'] })
  kinds(): void {}

  // @ts-expect-error -- misspelled: 'node'
  @OnNodeFailed({ nodes: 'stg_*' })
  misspelled(): void {}

  // @ts-expect-error -- only failures can be isolated
  @OnNodeRecovered({ includeIsolated: true })
  isolatedRecovery(): void {}

  // @ts-expect-error -- the results of isolated runs are always included
  @OnRunResults({ includeIsolated: true })
  isolatedResults(): void {}

  // @ts-expect-error -- results are about all nodes of a run
  @OnRunResults({ kind: 'test' })
  nodesOfResults(): void {}

  // @ts-expect-error -- a run is not a node
  @OnRunFailed({ node: 'stg_*' })
  nodesOfRun(): void {}

  // @ts-expect-error -- a failed node is not a failed run
  @OnNodeFailed()
  otherEvent(_event: RunFailed): void {}

  // @ts-expect-error -- a recovery is not a failure
  @OnNodeRecovered()
  otherType(_event: NodeFailed): void {}

  // @ts-expect-error -- without a provider filter, nodes of other providers arrive here, too
  @OnNodeFailed()
  oneProvider(_event: NodeFailed<'dbt-cloud'>): void {}

  // @ts-expect-error -- a recovered node has no message
  @OnNodeRecovered({ when: ({ node }) => node.message !== undefined })
  message(): void {}

  // @ts-expect-error -- an isolated failure has no incident
  @OnNodeFailed({ when: ({ incident }) => incident.failures > 1 })
  incident(): void {}
}
