import type { INestApplication, INestApplicationContext, NestApplicationOptions } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { AppModule } from './app.module.js';
import type { Settings } from './settings.js';

/** Creates the host app. It contains no webhook code, because importing the module is all a host app does. */
export async function createApp(settings: Settings, options: NestApplicationOptions = {}): Promise<INestApplication> {
  const module = AppModule.with(settings);
  const app =
    settings.http === 'fastify'
      ? await NestFactory.create(module, new FastifyAdapter(), options)
      : await NestFactory.create(module, options);
  // Without this call SIGTERM ends the process like a crash: nothing is lost, but running attempts run again.
  return app.enableShutdownHooks();
}

/** Creates a worker without HTTP, because a worker receives no requests. */
export async function createWorker(settings: Settings): Promise<INestApplicationContext> {
  return (await NestFactory.createApplicationContext(AppModule.with(settings))).enableShutdownHooks();
}
