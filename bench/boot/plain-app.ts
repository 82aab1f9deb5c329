import 'reflect-metadata';
import { Injectable, Module, type Type } from '@nestjs/common';
import { listen, nestApp } from '../contenders/nest-app.js';
import { OrdersController } from './orders.controller.js';
import { reportBoot } from './report-boot.js';

/** 50 providers of ten methods that are never called. */
const services = Array.from({ length: 50 }, (): Type => {
  @Injectable()
  class Service {
    one(): void {}
    two(): void {}
    three(): void {}
    four(): void {}
    five(): void {}
    six(): void {}
    seven(): void {}
    eight(): void {}
    nine(): void {}
    ten(): void {}
  }
  return Service;
});

@Module({ controllers: [OrdersController], providers: services })
class PlainModule {}

await listen(await nestApp(PlainModule, 'fastify'));
reportBoot();
