import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module.js';
import { serve } from './serve.js';

void NestFactory.create(AppModule).then(serve);
