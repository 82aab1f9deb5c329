import { Injectable, Module } from '@nestjs/common';
import { type DeliveryContext, OnRunFailed, type RunFailed, WebhooksModule } from 'nestjs-runhooks';
import { dbtCloud } from 'nestjs-runhooks/dbt-cloud';
import { paradime } from 'nestjs-runhooks/paradime';
import { sqliteInbox } from 'nestjs-runhooks/sqlite';

@Injectable()
export class Pager {
  page(text: string): void {
    console.log(text);
  }
}

@Injectable()
export class OnCall {
  constructor(private readonly pager: Pager) {}

  @OnRunFailed({ id: 'on-call.page', provider: 'dbt-cloud' })
  page(event: RunFailed, delivery: DeliveryContext): void {
    this.pager.page(`handled ${JSON.stringify({ type: event.type, run: event.run.id, attempt: delivery.attempt })}`);
  }
}

/** Never provided: proves that the packed types are there and refuse what the sources refuse. */
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
