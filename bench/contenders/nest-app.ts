import type { AddressInfo } from 'node:net';
import type { DynamicModule, INestApplication, Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';

export type AdapterName = 'express' | 'fastify';

/** Starts a Nest app that logs as in production, without a line per request. */
export async function nestApp(
  module: Type | DynamicModule,
  adapter: AdapterName,
  options: { readonly rawBody?: boolean } = {},
): Promise<INestApplication> {
  const logger: ('error' | 'warn')[] = ['error', 'warn'];
  const app =
    adapter === 'express'
      ? await NestFactory.create(module, new ExpressAdapter(), { ...options, logger })
      : await NestFactory.create(module, new FastifyAdapter(), { ...options, logger });
  return app.enableShutdownHooks();
}

export async function listen(app: INestApplication): Promise<number> {
  await app.listen(0, '127.0.0.1');
  return (app.getHttpServer() as { address(): AddressInfo }).address().port;
}
