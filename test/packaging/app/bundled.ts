// The app is one file, so that it can be the entry of every bundler. Its handler has a default id, to cause the
// warning.
import 'reflect-metadata';
import { Inject, Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { type DeliveryContext, OnRunFailed, type RunFailed, WebhooksModule } from 'nestjs-runhooks';
import { dbtCloud } from 'nestjs-runhooks/dbt-cloud';
import { sqliteInbox } from 'nestjs-runhooks/sqlite';

@Injectable()
class Pager {
  page(text: string): void {
    console.log(text);
  }
}

@Injectable()
class OnCall {
  constructor(@Inject(Pager) private readonly pager: Pager) {}

  @OnRunFailed()
  page(event: RunFailed, delivery: DeliveryContext): void {
    this.pager.page(`handled ${JSON.stringify({ type: event.type, run: event.run.id, attempt: delivery.attempt })}`);
  }
}

@Module({
  imports: [
    WebhooksModule.forRoot({
      sources: [dbtCloud({ name: 'dbt', secrets: [process.env['DBT_CLOUD_WEBHOOK_SECRET']] })],
      inbox: sqliteInbox({ path: ':memory:' }),
    }),
  ],
  providers: [Pager, OnCall],
})
class AppModule {}

async function bootstrap(): Promise<void> {
  const app = await NestFactory.create(AppModule, new ExpressAdapter());
  await app.listen(0, '127.0.0.1');
  console.log(`listening ${await app.getUrl()}`);
  process.stdin.once('end', () => void app.close()).resume();
}

void bootstrap();
