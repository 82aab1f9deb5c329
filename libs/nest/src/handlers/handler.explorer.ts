import { Injectable } from '@nestjs/common';
import { DiscoveryService } from '@nestjs/core';
import { ConfigurationError } from 'nestjs-runhooks/core';
import { resolveHandlerOptions, type Handler } from 'nestjs-runhooks/internal';
import { decoratedMethodsOf, type DecoratedMethod } from './decorated-methods.js';
import { unknownMessageTypes } from './message-types.js';
import { groupById, handlerName } from './handler-id.js';
import { readOptions, type ReadOptions } from './handler-options.js';
import { HandlerInvoker } from './handler.invoker.js';
import { isStatic, type HostModule, type ProviderWrapper } from '../provider-wrapper.js';
import { isRenamedByBundler, renamedHandlers } from './renamed-classes.js';
import { WebhooksRuntime } from '../webhooks.runtime.js';

/** A provider whose class has decorated methods. */
interface HandlerProvider {
  readonly wrapper: ProviderWrapper;
  readonly host: HostModule;
  readonly prototype: object;
  readonly methods: readonly DecoratedMethod[];
}

/** Finds the decorated methods of the app and adds them to the engine's handlers. */
@Injectable()
export class HandlerExplorer {
  /** Prototypes of the classes whose handlers were added. If a class is provided twice, its handlers run only once. */
  private readonly explored = new Set<object>();

  constructor(
    private readonly discovery: DiscoveryService,
    private readonly invoker: HandlerInvoker,
    private readonly runtime: WebhooksRuntime,
  ) {}

  /** Adds new handlers and returns them. If it throws, it has added none. */
  discover(): Handler[] {
    const providers = this.newProviders();
    const found = providers.flatMap((provider) => this.handlersOf(provider));
    this.warnOfRenamed(providers, found);
    for (const line of unknownMessageTypes(found, this.runtime.sources)) {
      this.runtime.logger.warn(line, { code: 'RUNHOOKS_MESSAGE_TYPE_UNKNOWN' });
    }
    this.runtime.handlers.add(...found);
    for (const { prototype } of providers) this.explored.add(prototype);
    return found;
  }

  private newProviders(): HandlerProvider[] {
    const providers = new Map<object, HandlerProvider>();
    for (const wrapper of [...this.discovery.getProviders(), ...this.discovery.getControllers()]) {
      const { host } = wrapper;
      const prototype = prototypeOf(wrapper);
      if (!host || !prototype || this.explored.has(prototype)) continue;
      const methods = decoratedMethodsOf(prototype);
      if (methods.length === 0) continue;
      const first = providers.get(prototype);
      if (first) this.warnOfSecond(first, wrapper, host);
      else providers.set(prototype, { wrapper, host, prototype, methods });
    }
    return [...providers.values()];
  }

  private warnOfSecond(first: HandlerProvider, wrapper: ProviderWrapper, host: HostModule): void {
    if (wrapper.instance === first.wrapper.instance && isStatic(wrapper)) return;
    this.runtime.logger.warn(
      `${first.prototype.constructor.name} is provided more than once; its handlers run on the instance from ` +
        `${first.host.name} (token ${String(first.wrapper.name)}), not on the one from ${host.name} ` +
        `(token ${String(wrapper.name)}). Provide it in one module and export it`,
      { code: 'RUNHOOKS_PROVIDED_TWICE' },
    );
  }

  private warnOfRenamed(providers: readonly HandlerProvider[], found: readonly Handler[]): void {
    const names = new Set(
      providers
        .filter(isRenamed)
        .flatMap(({ prototype, methods }) => methods.map(({ method }) => handlerName(prototype, method))),
    );
    const ids = found.map(({ id }) => id).filter((id) => names.has(id));
    if (ids.length > 0) this.runtime.logger.warn(renamedHandlers(ids), { code: 'RUNHOOKS_CLASS_RENAMED' });
  }

  private handlersOf({ wrapper, host, prototype, methods }: HandlerProvider): Handler[] {
    return methods.flatMap(({ method, metadata }) => {
      const name = handlerName(prototype, method);
      const invoke = this.invoker.invokerFor(name, wrapper, host, prototype, method);
      const decorators = metadata.map((one) => readOptions(name, one, this.runtime.named));
      return [...groupById(name, decorators)].map(([id, group]) => ({
        ...resolveHandlerOptions(name, { ...mergeOptions(name, group), id }),
        label: `${name} in ${host.name}`,
        subscriptions: group.map(({ subscription }) => subscription),
        invoke,
      }));
    });
  }
}

function isRenamed({ prototype, host }: HandlerProvider): boolean {
  return isRenamedByBundler({
    handler: prototype.constructor.name,
    module: host.name,
    own: HandlerExplorer.name,
    ownInSource: 'HandlerExplorer',
  });
}

/** Returns the prototype whose methods are handlers, or `null` if a provider has none. */
function prototypeOf(wrapper: ProviderWrapper): object | null {
  const { token } = wrapper;
  const instance: unknown = wrapper.instance;
  // The list also contains the provider that an alias stands for.
  if (wrapper.isAlias) return null;
  if (typeof instance === 'object' && instance !== null) return Object.getPrototypeOf(instance) as object | null;
  // A scoped factory has created no instance yet. If its token is a class, the instances have that type.
  const createsLater = wrapper.isNotMetatype && !isStatic(wrapper);
  return createsLater && typeof token === 'function' ? (token.prototype as object | null) : null;
}

/** The inbox stores the checks of a handler under its id, so one id must not have two of a kind. */
function requireOneOfEach(name: string, group: readonly ReadOptions[]): void {
  for (const [kind, decorator] of [
    ['stuck', '@OnRunStuck'],
    ['barrier', '@OnAllRuns'],
  ] as const) {
    if (group.filter(({ subscription }) => kind in subscription.on).length <= 1) continue;
    throw new ConfigurationError(
      `${name}.id`,
      `expected an id for each ${decorator}, got one id for two. Set different ids`,
    );
  }
}

function mergeOptions(name: string, group: readonly ReadOptions[]): ReadOptions['options'] {
  requireOneOfEach(name, group);
  const merged: Record<string, unknown> = {};
  for (const { options } of group) {
    for (const [option, value] of Object.entries(options)) {
      if (Object.hasOwn(merged, option) && JSON.stringify(merged[option]) !== JSON.stringify(value)) {
        throw new ConfigurationError(
          `${name}.${option}`,
          'expected one value, got different ones from two decorators of one handler. Set it once, or set different ids',
        );
      }
      merged[option] = value;
    }
  }
  return merged;
}
