import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable, Module, type OnModuleDestroy } from '@nestjs/common';
import { type DeliveryContext, OnRunCompleted, OnRunFailed, type RunFailed, WebhooksModule } from 'nestjs-runhooks';
import { dbtCloud } from 'nestjs-runhooks/dbt-cloud';
import { paradime } from 'nestjs-runhooks/paradime';
import { sqliteInbox } from 'nestjs-runhooks/sqlite';

@Injectable()
export class Pager implements OnModuleDestroy {
  private isOpen = true;

  page(text: string): void {
    if (!this.isOpen) throw new Error('the pager is closed');
    console.log(text);
  }

  onModuleDestroy(): void {
    this.isOpen = false;
  }
}

@Injectable()
export class OnCall {
  constructor(private readonly pager: Pager) {}

  @OnRunFailed({ id: 'on-call.page', provider: 'dbt-cloud' })
  page(event: RunFailed, delivery: DeliveryContext): void {
    this.pager.page(`handled ${JSON.stringify({ type: event.type, run: event.run.id, attempt: delivery.attempt })}`);
  }

  /** This handler still runs when the app closes, and needs the pager then. */
  @OnRunCompleted({ id: 'on-call.linger' })
  async linger(): Promise<void> {
    this.pager.page('lingers until the app closes');
    await once(process.stdin, 'end');
    await sleep(200);
    this.pager.page('drained while the pager was open');
  }
}

/** This class is never provided. It proves that the packed types exist and reject what the sources reject. */
export class WrongHandler {
  // @ts-expect-error a failed run is not a number
  @OnRunFailed({ id: 'wrong' })
  page(event: number): number {
    return event;
  }
}

@Module({
  imports: [
    WebhooksModule.forRoot({
      sources: [
        dbtCloud({ name: 'dbt', secrets: [process.env['DBT_CLOUD_WEBHOOK_SECRET']] }),
        paradime({ name: 'paradime', secrets: [process.env['PARADIME_WEBHOOK_SECRET']] }),
      ],
      inbox: sqliteInbox({ path: 'runhooks.db' }),
    }),
  ],
  providers: [Pager, OnCall],
})
export class AppModule {}
