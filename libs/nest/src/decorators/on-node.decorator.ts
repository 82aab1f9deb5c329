import type { ProviderName } from 'nestjs-runhooks/core';
import type { NodeFailed, NodeFilter, NodeRecovered } from 'nestjs-runhooks/internal';
import { requireOptions } from './decorator-call.js';
import { subscribe, type HandlerDecorator, type HandlerDecoratorOptions } from './handler.decorator.js';

interface IsolatedOption {
  /**
   * Whether the method also runs for nodes of isolated runs: those of CI or of a pull request, or with an overridden schema or
   * target. These failures belong to no incident.
   * @default false
   */
  readonly includeIsolated?: boolean;
}

/**
 * Runs the method for each model, test or other node that failed in a run. `event.firstFailure` is true if the failure opened
 * the incident of the node. Runhooks fetches results from the provider's API, so the source needs access to it (`api`).
 *
 * ```ts
 * @OnNodeFailed({ kind: ['model', 'test'], node: 'stg_*', when: ({ firstFailure }) => firstFailure, id: 'on-call.page' })
 * page({ node, run }: NodeFailed, delivery: DeliveryContext): Promise<void> {}
 * ```
 */
export function OnNodeFailed<const P extends ProviderName = ProviderName>(
  options: HandlerDecoratorOptions<NodeFailed<P>, P> & NodeFilter & IsolatedOption = {},
): HandlerDecorator<NodeFailed<P>> {
  requireOptions('OnNodeFailed', options, arguments.length);
  return subscribe<NodeFailed<P>, P>({ types: ['node.failed'] }, options);
}

/**
 * Runs the method when a node has recovered: at its first success in a run that ended after the latest failure of its incident.
 * `event.incident` describes the failures.
 *
 * ```ts
 * @OnNodeRecovered({ kind: ['model', 'test'], node: 'stg_*', id: 'on-call.resolve' })
 * resolve({ node, incident }: NodeRecovered): Promise<void> {}
 * ```
 */
export function OnNodeRecovered<const P extends ProviderName = ProviderName>(
  options: HandlerDecoratorOptions<NodeRecovered<P>, P> & NodeFilter = {},
): HandlerDecorator<NodeRecovered<P>> {
  requireOptions('OnNodeRecovered', options, arguments.length);
  return subscribe<NodeRecovered<P>, P>({ types: ['node.recovered'] }, options);
}
