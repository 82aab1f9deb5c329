import type { IncomingMessage, ServerResponse } from 'node:http';
import { Injectable, type HttpServer, type OnApplicationBootstrap, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { ConfigurationError } from 'nestjs-runhooks/core';
import type { OpenSource } from 'nestjs-runhooks/internal';
import { BodyTimer } from './body-timer.js';
import { createWebhookRoute, type WebhookRoute, type WebhookRouteOptions } from './webhook-route.js';
import { HeldBodies } from './held-bodies.js';
import { requireNest } from '../nest-version.js';
import { WebhooksRuntime } from '../webhooks.runtime.js';

/** The parts of an Express app that Runhooks uses. */
interface ExpressApp {
  post(path: string, handler: WebhookRoute): unknown;
  readonly router?: { readonly stack: readonly { readonly route?: ExpressRoute }[] };
}

interface ExpressRoute {
  readonly path: unknown;
  readonly methods: object;
}

/** The parts of a Fastify instance that Runhooks uses. */
interface FastifyApp {
  route(options: {
    method: 'POST';
    url: string;
    onRequest: (
      request: { raw: IncomingMessage },
      reply: { raw: ServerResponse; hijack(): unknown },
      done: () => void,
    ) => void;
    handler: () => void;
  }): unknown;
}

/**
 * Adds the routes of the sources to the app's HTTP server as soon as it exists. That is before `main.ts` can add anything,
 * so the app's body parsers, prefixes, guards and filters never get a webhook.
 */
@Injectable()
export class WebhookRoutesRegistrar implements OnModuleInit, OnApplicationBootstrap {
  private failure: unknown;

  constructor(
    private readonly host: HttpAdapterHost,
    private readonly runtime: WebhooksRuntime,
  ) {
    requireNest(host);
    // An error that is thrown in an RxJS subscription would be uncaught.
    host.init$.subscribe(() => {
      try {
        this.register();
      } catch (error) {
        this.failure = error;
      }
    });
    // The adapter of NestFactory.create exists already; a testing module gets one later.
    this.requireRegistered();
  }

  /** Whether this app has an HTTP server. An application context has none and can only be a worker. */
  get isReachable(): boolean {
    return Boolean(this.host.httpAdapter as HttpServer | null | undefined);
  }

  onModuleInit(): void {
    this.requireRegistered();
  }

  /** Rejects a second route on the path of a source. Fastify does so itself; Express would never call one of the two. */
  onApplicationBootstrap(): void {
    if (!this.hasRoutes || this.host.httpAdapter.getType() !== 'express') return;
    const { router } = this.host.httpAdapter.getInstance<ExpressApp>();
    for (const { name, paths } of this.runtime.sources) {
      for (const path of paths) {
        const routes = router?.stack.filter(({ route }) => route && acceptsPost(route, path)) ?? [];
        if (routes.length > 1) throw duplicatePath(name, path);
      }
    }
  }

  private get hasRoutes(): boolean {
    return this.isReachable && this.runtime.role !== 'worker';
  }

  private requireRegistered(): void {
    if (this.failure !== undefined) throw this.failure;
  }

  private register(): void {
    if (!this.hasRoutes) return;
    const adapter = this.host.httpAdapter;
    const shared = { bodies: HeldBodies.of(this.runtime.sources), timer: new BodyTimer() };
    for (const source of this.runtime.sources) {
      const route = this.routeOf(source, shared);
      for (const path of source.paths) registerRoute(adapter, path, route);
    }
  }

  private routeOf(source: OpenSource, shared: Pick<WebhookRouteOptions, 'bodies' | 'timer'>): WebhookRoute {
    const { receiver, refusals, logger } = this.runtime;
    return createWebhookRoute({
      source,
      receiver,
      refusals,
      logger,
      ...shared,
      isAccepting: () => this.runtime.accepting,
    });
  }
}

function registerRoute(adapter: HttpServer, path: string, route: WebhookRoute): void {
  const type = adapter.getType();
  if (type === 'express') {
    (adapter.getInstance() as ExpressApp).post(path, (request, response) => route(request, response));
  } else if (type === 'fastify') {
    (adapter.getInstance() as FastifyApp).route({
      method: 'POST',
      url: path,
      // The route takes the request over before Fastify reads the content type or the body.
      onRequest: (request, reply) => {
        reply.hijack();
        route(request.raw, reply.raw);
      },
      handler: () => undefined,
    });
  } else {
    throw new ConfigurationError('WebhooksModule', `expected the HTTP adapter of Express or Fastify, got "${type}"`);
  }
}

/**
 * Whether a route of Express accepts POST requests on a path. Express ignores case and a slash at the end. A route for all
 * methods does not count, because Nest creates one for a middleware that is bound to the path.
 */
function acceptsPost({ path, methods }: ExpressRoute, wanted: string): boolean {
  if (typeof path !== 'string' || !('post' in methods) || 'get' in methods) return false;
  return path.replace(/\/$/, '').toLowerCase() === wanted.toLowerCase();
}

function duplicatePath(source: string, path: string): ConfigurationError {
  return new ConfigurationError(
    `source "${source}"`,
    `its path ${path} is also the path of another route, and Express would never call one of them. Change one of the paths`,
  );
}
