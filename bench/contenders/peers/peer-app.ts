import {
  Body,
  Controller,
  Headers,
  HttpCode,
  Inject,
  Module,
  Post,
  Req,
  UnauthorizedException,
  type RawBodyRequest,
} from '@nestjs/common';
import type { IncomingMessage } from 'node:http';
import { isSignedByDbt } from '../hand-signatures.js';
import { listen, nestApp } from '../nest-app.js';
import type { Running } from '../running.js';

/** The fields of the payload that peers need. */
export interface PeerPayload {
  readonly eventId: string;
}

/** A durable queue with at most one worker, in the process that receives. */
export interface PeerQueue {
  /** Resolves when the webhook is stored durably. Stores nothing if it has the event already. */
  add(payload: PeerPayload, rawBody: Buffer): Promise<void> | void;
  /** Returns how many webhooks the queue has stored; absent if the queue deletes those that it has handled. */
  readonly stored?: () => Promise<number>;
  readonly close: () => Promise<void>;
}

/** What starts the queue of a peer. */
export interface PeerStart {
  /** Without a worker, nothing is handled. */
  readonly isWorking: boolean;
  /** The handler, which does nothing but to count. */
  readonly handle: () => void;
}

const QUEUE = 'bench:queue';

@Controller('webhooks')
class PeerController {
  constructor(@Inject(QUEUE) private readonly queue: PeerQueue) {}

  @Post('dbt')
  @HttpCode(200)
  async dbt(
    @Req() { rawBody }: RawBodyRequest<IncomingMessage>,
    @Headers('authorization') signature: string | undefined,
    @Body() payload: PeerPayload,
  ): Promise<object> {
    if (!rawBody || !isSignedByDbt(rawBody, signature)) throw new UnauthorizedException();
    await this.queue.add(payload, rawBody);
    return { status: 'accepted' };
  }
}

/**
 * Starts a receiver as its users would write it with a durable queue, on Nest and Fastify. It responds when the queue has
 * stored the webhook.
 */
export async function peerApp(
  isWorking: boolean,
  startQueue: (start: PeerStart) => Promise<PeerQueue>,
): Promise<Running> {
  let handled = 0;
  const handle = (): void => {
    handled += 1;
  };
  const queue = await startQueue({ isWorking, handle });
  @Module({ controllers: [PeerController], providers: [{ provide: QUEUE, useValue: queue }] })
  class PeerModule {}
  const app = await nestApp(PeerModule, 'fastify', { rawBody: true });
  return {
    port: await listen(app),
    handled: () => handled,
    ...(queue.stored && { stored: queue.stored }),
    close: async () => {
      await app.close();
      await queue.close();
    },
  };
}
