import type { ExceptionFilter, PipeTransform, Type } from '@nestjs/common';
import {
  ApplicationConfig,
  ExternalContextCreator,
  type ContextId,
  type ModulesContainer,
  type NestContainer,
} from '@nestjs/core';
import { isPermanentError, isRetryLater, type Logger } from 'nestjs-runhooks/core';
import { describeError, Reasons, type DeliveryContext } from 'nestjs-runhooks/internal';
import { copyMetadata, hasFilters } from './enhancer-metadata.js';
import type { HostModule } from '../provider-wrapper.js';
import { WEBHOOK_CONTEXT_TYPE } from './webhook-context.js';

export type Method = (...args: unknown[]) => unknown;

/** The method of a handler on one instance. */
export interface BoundMethod {
  readonly instance: object;
  readonly callback: Method;
  /** Missing for an instance that exists as long as the app. */
  readonly contextId?: ContextId;
}

/** Options for {@link Enhancers}. */
export interface EnhancersOptions {
  /** Class and method of the handler for the log, for example `OnCall.page`. */
  readonly label: string;
  readonly host: HostModule;
  /** Nest's id of the provider, with which it finds transient enhancers. */
  readonly providerId: string;
  readonly methodName: string;
  /** Class of the first parameter if the compiler emitted it. */
  readonly eventClass: Type | undefined;
  readonly logger: Logger;
  /** Configuration whose global enhancers run. */
  readonly config: ApplicationConfig;
}

/** Matches every error after all other filters. Without it, Nest logs an error that no filter matches. */
const LAST_FILTER: ExceptionFilter = { catch: () => true };

/** Runs a handler's method as Nest runs a route: guards, interceptors, pipes, the method, and filters if it fails. */
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
   * Returns the error to record: a `PermanentError` or `RetryLater` of a filter, else the handler's own error. A filter
   * that responds over HTTP fails, because no response exists; its error must not hide the handler's.
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

  /** Logs each new failure only once, because a filter that cannot work for handlers fails at every attempt. */
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
 * Creates Nest's own creator over a container of one module, so that it finds the enhancers of that module and of its
 * controllers. The configuration decides whether global enhancers run.
 */
function creatorOver(host: HostModule, applicationConfig: ApplicationConfig): ExternalContextCreator {
  const pinned = Object.create(host, { hasProvider: { value: () => true } }) as HostModule;
  const modules = new Map([[host.token, pinned]]) as unknown as ModulesContainer;
  const container = { applicationConfig, getModules: () => modules };
  return ExternalContextCreator.fromContainer(container as unknown as NestContainer);
}

/** Nest would pass every argument to the pipes, but they must not transform the delivery. */
function applyToEvent(pipes: readonly PipeTransform[], eventClass: Type | undefined) {
  return async (args: unknown[], event: unknown, delivery: unknown): Promise<void> => {
    let value = event;
    // Nest's own transports use the type `body` for payloads, and a ValidationPipe ignores `custom` values.
    for (const pipe of pipes) value = await pipe.transform(value, { type: 'body', metatype: eventClass });
    args.push(value, delivery);
  };
}
