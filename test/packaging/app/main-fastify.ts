import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { AppModule } from './app.module.js';
import { serve } from './serve.js';

void NestFactory.create<NestFastifyApplication>(AppModule, new FastifyAdapter()).then(serve);
