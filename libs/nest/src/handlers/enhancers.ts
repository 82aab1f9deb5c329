import type { ExceptionFilter, PipeTransform, Type } from '@nestjs/common';
import {
  ApplicationConfig,
  ExternalContextCreator,
  type ContextId,
  type ModulesContainer,
  type NestContainer,
} from '@nestjs/core';
import {
  describeError,
  isPermanentError,
  isRetryLater,
  Reasons,
  type DeliveryContext,
  type Logger,
} from 'nestjs-runhooks/core';
import { copyMetadata, hasFilters } from './enhancer-metadata.js';
import type { HostModule } from '../provider-wrapper.js';
import { WEBHOOK_CONTEXT_TYPE } from './webhook-context.js';

export type Method = (...args: unknown[]) => unknown;

/** A handler's method on one instance. */
export interface BoundMethod {
  readonly instance: object;
  readonly callback: Method;
  /** Absent for an instance that lives as long as the app. */
  readonly contextId?: ContextId;
}

export interface EnhancersOptions {
  /** Where the handler is in the code, for the log: `OnCall.page`. */
  readonly label: string;
  readonly host: HostModule;
  /** Nest's id of the provider, by which it finds transient enhancers. */
  readonly providerId: string;
  readonly methodName: string;
  /** Class of the first parameter, as far as it was compiled into the program. */
  readonly eventClass: Type | undefined;
  readonly logger: Logger;
  /** Whose global enhancers run. */
  readonly config: ApplicationConfig;
}

/** Matches last, and every error: without it Nest logs an error that no filter of the handler is for. */
const LAST_FILTER: ExceptionFilter = { catch: () => true };

/** Runs a handler's method as Nest runs a route: guards, interceptors, pipes, the method; and filters, if it fails. */
export class Enhancers {
  private readonly creator: ExternalContextCreator;
  private readonly filterCreator: ExternalContextCreator;
  private readonly reasons = new Reasons();

  constructor(private readonly options: EnhancersOptions) {
    const { host, config, eventClass } = options;
    this.creator = creatorOver(host, config);
    this.creator.createPipesFn = (pipes) => (pipes.length === 0 ? null : applyToEvent(pipes, eventClass));
    const getGlobalFilters = (): ExceptionFilter[] => [LAST_FILTER, ...config.getGlobalFilters()];
    this.filterCreator = creatorOver(
      host,
      Object.create(config, { getGlobalFilters: { value: getGlobalFilters } }) as ApplicationConfig,
    );
    this.filterCreator.createPipesFn = () => null;
  }

  around(method: BoundMethod): Method {
    const run = this.create(this.creator, method, { guards: true, interceptors: true, filters: false });
    if (!this.mayFilter(method)) return run;
    return async (...args) => {
      try {
        return await run(...args);
      } catch (error) {
        throw await this.filtered(method, error, args);
      }
    };
  }

  /**
   * The error to record: the handler's own, unless a filter throws one that says when to try again. A filter that
   * answers over HTTP fails, because there is no response: that must not hide why the handler failed.
   */
  private async filtered(method: BoundMethod, error: unknown, args: unknown[]): Promise<unknown> {
    const rethrow = (): never => {
      throw error;
    };
    copyMetadata(method.callback, rethrow);
    const options = { guards: false, interceptors: false, filters: true };
    try {
      await this.create(this.filterCreator, { ...method, callback: rethrow }, options)(...args);
    } catch (thrown) {
      if (isPermanentError(thrown) || isRetryLater(thrown)) return thrown;
      if (thrown !== error) this.logFailure(thrown, args[1] as DeliveryContext);
    }
    return error;
  }

  /** At each new reason: a filter that cannot work for handlers fails at every attempt. */
  private logFailure(thrown: unknown, delivery: DeliveryContext): void {
    const failure = describeError(thrown);
    if (!this.reasons.isNew(failure)) return;
    const { messageId, eventId, handlerId, id: deliveryId, attempt } = delivery;
    this.options.logger.warn(
      `Handler "${this.options.label}": an exception filter threw ${failure}. The handler's own error is recorded. ` +
        'In filters that respond over HTTP, check host.getType() first',
      { messageId, eventId, handlerId, deliveryId, attempt, code: 'RUNHOOKS_FILTER_THREW' },
    );
  }

  private mayFilter({ instance, callback }: BoundMethod): boolean {
    const { config } = this.options;
    const globals = config.getGlobalFilters().length + config.getGlobalRequestFilters().length;
    return globals > 0 || hasFilters(instance.constructor, callback);
  }

  private create(
    creator: ExternalContextCreator,
    { instance, callback, contextId }: BoundMethod,
    options: { guards: boolean; interceptors: boolean; filters: boolean },
  ): Method {
    const { providerId, methodName } = this.options;
    return creator.create(
      instance,
      callback,
      methodName,
      undefined,
      undefined,
      contextId,
      providerId,
      options,
      WEBHOOK_CONTEXT_TYPE,
    );
  }
}

/**
 * Nest's own creator, over a container that holds one module, so that it finds the enhancers of this very module, also
 * of controllers; and a configuration of ours, so that global enhancers run only where they are wanted.
 */
function creatorOver(host: HostModule, applicationConfig: ApplicationConfig): ExternalContextCreator {
  const pinned = Object.create(host, { hasProvider: { value: () => true } }) as HostModule;
  const modules = new Map([[host.token, pinned]]) as unknown as ModulesContainer;
  const container = { applicationConfig, getModules: () => modules };
  return ExternalContextCreator.fromContainer(container as unknown as NestContainer);
}

/** Nest would give every argument to the pipes: the delivery is none of their business. */
function applyToEvent(pipes: readonly PipeTransform[], eventClass: Type | undefined) {
  return async (args: unknown[], event: unknown, delivery: unknown): Promise<void> => {
    let value = event;
    // `body`, as for the payloads of Nest's own transports: a ValidationPipe leaves `custom` values alone.
    for (const pipe of pipes) value = await pipe.transform(value, { type: 'body', metatype: eventClass });
    args.push(value, delivery);
  };
}
