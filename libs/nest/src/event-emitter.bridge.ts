import { Inject, Injectable } from '@nestjs/common';
import { DiscoveryService } from '@nestjs/core';
import { describeError, type Logger, type WebhookEvent } from 'nestjs-runhooks/core';
import type { ProviderWrapper } from './provider-wrapper.js';

/** The part of `EventEmitter2` that is used here. */
interface Emitter {
  emitAsync(type: string, event: WebhookEvent): Promise<unknown>;
}

/**
 * Emits events for plain `@OnEvent` listeners, if the app has `EventEmitterModule` of @nestjs/event-emitter. That
 * package is optional: its emitter, `EventEmitter2`, is recognised by its methods, and never imported.
 */
@Injectable()
export class EventEmitterBridge {
  /** Known before anything is instantiated. The first one, if there are several: every listener listens to each. */
  private readonly provider: ProviderWrapper | undefined;

  constructor(@Inject(DiscoveryService) discovery: DiscoveryService) {
    this.provider = discovery.getProviders().find(({ token, isAlias }) => !isAlias && isEmitterClass(token));
  }

  get isConnected(): boolean {
    return this.provider !== undefined;
  }

  /** Returns at once and never throws: what listeners do is theirs, and no delivery waits for it. */
  emit(event: WebhookEvent, logger: Logger): void {
    const emitter: unknown = this.provider?.instance;
    if (isEmitter(emitter)) void emit(emitter, event, logger);
  }
}

/** Waits for the listeners, because nobody else would: a rejected promise of theirs would end the process. */
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
