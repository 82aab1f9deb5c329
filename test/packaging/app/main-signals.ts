// This app closes on the two signals that every runtime supports.
import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module.js';

void NestFactory.create(AppModule).then(async (app) => {
  app.enableShutdownHooks(['SIGTERM', 'SIGINT']);
  await app.listen(0, '127.0.0.1');
  console.log(`listening ${await app.getUrl()}`);
  process.stdin.resume();
});
