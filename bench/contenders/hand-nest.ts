import {
  Body,
  Controller,
  Headers,
  HttpCode,
  Injectable,
  Module,
  Post,
  Req,
  UnauthorizedException,
  ValidationPipe,
  type RawBodyRequest,
} from '@nestjs/common';
import { EventEmitter2, EventEmitterModule, OnEvent } from '@nestjs/event-emitter';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { HandDbtPayload } from './hand-dbt.dto.js';
import { HandParadimePayload } from './hand-paradime.dto.js';
import { isSignedByDbt, isSignedByParadime } from './hand-signatures.js';
import { listen, nestApp, type AdapterName } from './nest-app.js';
import type { Running } from './running.js';

let handled = 0;

@Injectable()
class HandListener {
  @OnEvent('job.run.completed')
  onDbt(_payload: HandDbtPayload): void {
    handled += 1;
  }

  @OnEvent('bolt.run.completed')
  onParadime(_payload: HandParadimePayload): void {
    handled += 1;
  }
}

@Controller('webhooks')
class HandController {
  constructor(private readonly emitter: EventEmitter2) {}

  @Post('dbt')
  @HttpCode(200)
  dbt(
    @Req() { rawBody }: RawBodyRequest<IncomingMessage>,
    @Headers('authorization') signature: string | undefined,
    @Body() payload: HandDbtPayload,
  ): object {
    if (!rawBody || !isSignedByDbt(rawBody, signature)) throw new UnauthorizedException();
    this.emitter.emit(payload.eventType, payload);
    return { status: 'accepted' };
  }

  @Post('paradime')
  @HttpCode(200)
  paradime(
    @Req() { rawBody }: RawBodyRequest<IncomingMessage>,
    @Headers() headers: IncomingHttpHeaders,
    @Body() payload: HandParadimePayload,
  ): object {
    if (!rawBody || !isSignedByParadime(rawBody, headers)) throw new UnauthorizedException();
    this.emitter.emit('bolt.run.completed', payload);
    return { status: 'accepted' };
  }
}

@Module({ imports: [EventEmitterModule.forRoot()], controllers: [HandController], providers: [HandListener] })
class HandModule {}

/**
 * Starts (c), a typical hand-written receiver: raw body, HMAC, and an event that is lost with the process. It stores
 * nothing.
 */
export async function handNest(adapter: AdapterName, isValidated: boolean): Promise<Running> {
  const app = await nestApp(HandModule, adapter, { rawBody: true });
  if (isValidated) app.useGlobalPipes(new ValidationPipe({ transform: true }));
  const port = await listen(app);
  return { port, handled: () => handled, close: () => app.close() };
}
