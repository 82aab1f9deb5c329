import { Inject, Injectable } from '@nestjs/common';
import { DiscoveryService } from '@nestjs/core';
import { ConfigurationError, resolveHandlerOptions, type Handler, type HandlerOptions } from 'nestjs-runhooks/core';
import type { HandlerMetadata } from './handler-metadata.js';
import { HandlerMetadataAccessor } from './handler-metadata.accessor.js';
import { HandlerInvoker } from './handler.invoker.js';
import type { HostModule, ProviderWrapper } from './provider-wrapper.js';
import { WebhooksRuntime } from './webhooks.runtime.js';

/** Finds the decorated methods of the app and gives them to the dispatcher. */
@Injectable()
export class HandlerExplorer {
  /** A class that is provided twice has its handlers run once. */
  private readonly explored = new Set<unknown>();

  constructor(
    @Inject(DiscoveryService) private readonly discovery: DiscoveryService,
    @Inject(HandlerMetadataAccessor) private readonly accessor: HandlerMetadataAccessor,
    @Inject(HandlerInvoker) private readonly invoker: HandlerInvoker,
    @Inject(WebhooksRuntime) private readonly runtime: WebhooksRuntime,
  ) {}

  /** Adds handlers not seen before and answers them. */
  discover(): Handler[] {
    const found = [...this.discovery.getProviders(), ...this.discovery.getControllers()].flatMap((wrapper) =>
      this.handlersOf(wrapper),
    );
    for (const handler of found) this.runtime.handlers.add(handler);
    return found;
  }

  private handlersOf(wrapper: ProviderWrapper): Handler[] {
    const { host } = wrapper;
    const instance: unknown = wrapper.instance;
    // An alias is another name for a provider that is in the list itself.
    if (wrapper.isAlias || !host || typeof instance !== 'object' || instance === null) return [];
    const prototype = Object.getPrototypeOf(instance) as object | null;
    if (prototype === null || this.explored.has(prototype.constructor)) return [];
    const methods = this.accessor.methodsOf(prototype);
    if (methods.length === 0) return [];
    this.explored.add(prototype.constructor);
    return methods.flatMap(({ method, metadata }) => {
      const name = `${prototype.constructor.name}.${method}`;
      const label = `${name} in ${host.name}`;
      return [...groupById(name, metadata)].map(([id, group]) => ({
        ...resolveHandlerOptions(label, { ...mergeOptions(label, group), id }),
        label,
        subscriptions: group.map(({ subscription }) => subscription),
        invoke: this.invoker.invokerFor(wrapper, host as HostModule, method),
      }));
    });
  }
}

/** Stacked decorators are one handler, unless they name several ids. */
function groupById(name: string, metadata: readonly HandlerMetadata[]): Map<string, HandlerMetadata[]> {
  const ids = new Set(metadata.map(({ options }) => options.id).filter((id) => id !== undefined));
  const [onlyId] = ids;
  const fallback = ids.size === 1 && onlyId !== undefined ? onlyId : name;
  const groups = new Map<string, HandlerMetadata[]>();
  for (const one of metadata) {
    const id = one.options.id ?? fallback;
    groups.set(id, [...(groups.get(id) ?? []), one]);
  }
  return groups;
}

function mergeOptions(label: string, group: readonly HandlerMetadata[]): HandlerOptions {
  const merged: Record<string, unknown> = {};
  for (const { options } of group) {
    for (const [name, value] of Object.entries(options)) {
      if (name in merged && JSON.stringify(merged[name]) !== JSON.stringify(value)) {
        throw new ConfigurationError(
          `${label}.${name}`,
          'two decorators of one handler give it different values; give it once, or give the decorators different ids',
        );
      }
      merged[name] = value;
    }
  }
  return merged;
}
