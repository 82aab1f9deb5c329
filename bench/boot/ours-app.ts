import 'reflect-metadata';
import { Injectable, Module, type Type } from '@nestjs/common';
import { OnRunSucceeded, WebhooksModule, type RunSucceeded } from 'nestjs-runhooks';
import { dbtCloud } from 'nestjs-runhooks/dbt-cloud';
import { sqliteInbox } from 'nestjs-runhooks/sqlite';
import { listen, nestApp } from '../contenders/nest-app.js';
import { SECRETS } from '../secrets.js';
import { OrdersController } from './orders.controller.js';
import { reportBoot } from './report-boot.js';

/** The same 500 methods as in the plain app, each of them a handler. */
const services = Array.from({ length: 50 }, (_, index): Type => {
  const id = (name: string) => ({ id: `service-${index}.${name}`, project: 'analytics', job: 'nightly-*' });
  @Injectable()
  class Service {
    @OnRunSucceeded(id('one'))
    one(_event: RunSucceeded): void {}
    @OnRunSucceeded(id('two'))
    two(_event: RunSucceeded): void {}
    @OnRunSucceeded(id('three'))
    three(_event: RunSucceeded): void {}
    @OnRunSucceeded(id('four'))
    four(_event: RunSucceeded): void {}
    @OnRunSucceeded(id('five'))
    five(_event: RunSucceeded): void {}
    @OnRunSucceeded(id('six'))
    six(_event: RunSucceeded): void {}
    @OnRunSucceeded(id('seven'))
    seven(_event: RunSucceeded): void {}
    @OnRunSucceeded(id('eight'))
    eight(_event: RunSucceeded): void {}
    @OnRunSucceeded(id('nine'))
    nine(_event: RunSucceeded): void {}
    @OnRunSucceeded(id('ten'))
    ten(_event: RunSucceeded): void {}
  }
  return Service;
});

const [path = ''] = process.argv.slice(2);

@Module({
  imports: [
    WebhooksModule.forRoot({
      sources: [dbtCloud({ name: 'dbt', secrets: [SECRETS.dbt] })],
      inbox: sqliteInbox({ path }),
    }),
  ],
  controllers: [OrdersController],
  providers: services,
})
class OursModule {}

await listen(await nestApp(OursModule, 'fastify'));
reportBoot();
