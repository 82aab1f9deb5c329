import { Injectable } from '@nestjs/common';
import { DiscoveryService } from '@nestjs/core';
import type { Logger } from 'nestjs-runhooks/core';
import { describeError, type WebhookEvent } from 'nestjs-runhooks/internal';
import type { ProviderWrapper } from './provider-wrapper.js';

interface Emitter {
  emitAsync(type: string, event: WebhookEvent): Promise<unknown>;
}

/**
 * Emits events for plain `@OnEvent` listeners if the app has `EventEmitterModule` of @nestjs/event-emitter. The package
 * is optional, so its emitter, `EventEmitter2`, is recognized by its methods and never imported.
 */
@Injectable()
export class EventEmitterBridge {
  /** Found before any provider is instantiated. If several exist, the first one is enough: listeners listen to each. */
  private readonly provider: ProviderWrapper | undefined;

  constructor(discovery: DiscoveryService) {
    this.provider = discovery.getProviders().find(({ token, isAlias }) => !isAlias && isEmitterClass(token));
  }

  get isConnected(): boolean {
    return this.provider !== undefined;
  }

  /** Returns at once and never throws. No delivery waits for listeners. */
  emit(event: WebhookEvent, logger: Logger): void {
    const emitter: unknown = this.provider?.instance;
    if (isEmitter(emitter)) void emit(emitter, event, logger);
  }
}

/** Awaits the listeners, because an unhandled rejection of one would terminate the process. */
async function emit(emitter: Emitter, event: WebhookEvent, logger: Logger): Promise<void> {
  try {
    await emitter.emitAsync(event.type, event);
  } catch (error) {
    const { id: eventId, source, messageId } = event;
    logger.error(`Listener of ${event.type} failed on ${event.id}: ${describeError(error)}. It is not retried`, {
      source,
      messageId,
      eventId,
      code: 'RUNHOOKS_LISTENER_FAILED',
    });
  }
}

function isEmitterClass(token: unknown): boolean {
  return typeof token === 'function' && isEmitter(token.prototype) && 'onAny' in token.prototype;
}

function isEmitter(instance: unknown): instance is Emitter {
  return isObject(instance) && typeof instance['emitAsync'] === 'function';
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
