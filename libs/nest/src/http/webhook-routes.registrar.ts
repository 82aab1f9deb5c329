import type { IncomingMessage, ServerResponse } from 'node:http';
import { Inject, Injectable, type HttpServer, type OnApplicationBootstrap, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { ConfigurationError, type OpenSource } from 'nestjs-runhooks/core';
import { createWebhookRoute, type WebhookRoute } from './webhook-route.js';
import { HeldBodies } from './held-bodies.js';
import { requireNest } from '../nest-version.js';
import { WebhooksRuntime } from '../webhooks.runtime.js';

/** The parts of an Express app used here. */
interface ExpressApp {
  post(path: string, handler: WebhookRoute): unknown;
  readonly router?: { readonly stack: readonly { readonly route?: ExpressRoute }[] };
}

interface ExpressRoute {
  readonly path: unknown;
  readonly methods: object;
}

/** The parts of a Fastify instance used here. */
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
 * Puts the routes of the sources into the host's server as soon as there is one, which is before the host's own
 * `main.ts` can add anything: so its body parsers, prefixes, guards and filters never see a webhook.
 */
@Injectable()
export class WebhookRoutesRegistrar implements OnModuleInit, OnApplicationBootstrap {
  private failure: unknown;

  constructor(
    @Inject(HttpAdapterHost) private readonly host: HttpAdapterHost,
    @Inject(WebhooksRuntime) private readonly runtime: WebhooksRuntime,
  ) {
    requireNest(host);
    // Nest announces the adapter by an RxJS subject, which would turn an error thrown in here into an uncaught one.
    host.init$.subscribe(() => {
      try {
        this.register();
      } catch (error) {
        this.failure = error;
      }
    });
    this.onModuleInit();
  }

  /** Whether this app has an HTTP server; an application context does not, and only dispatches. */
  get isReachable(): boolean {
    return Boolean(this.host.httpAdapter as HttpServer | null | undefined);
  }

  onModuleInit(): void {
    if (this.failure !== undefined) throw this.failure;
  }

  /** Fastify refuses a route of the host's on the same path by itself; Express would silently never call it. */
  onApplicationBootstrap(): void {
    if (!this.hasRoutes || this.host.httpAdapter.getType() !== 'express') return;
    const { router } = this.host.httpAdapter.getInstance<ExpressApp>();
    for (const { name, paths } of this.runtime.sources) {
      for (const path of paths) {
        const routes = router?.stack.filter(({ route }) => route && answersPost(route, path)) ?? [];
        if (routes.length > 1) throw duplicatePath(name, path);
      }
    }
  }

  private get hasRoutes(): boolean {
    return this.isReachable && this.runtime.role !== 'worker';
  }

  private register(): void {
    if (!this.hasRoutes) return;
    const adapter = this.host.httpAdapter;
    const bodies = HeldBodies.of(this.runtime.sources);
    for (const source of this.runtime.sources) {
      const edge = this.routeOf(source, bodies);
      for (const path of source.paths) registerRoute(adapter, path, edge);
    }
  }

  private routeOf(source: OpenSource, bodies: HeldBodies): WebhookRoute {
    const { receiver, refusals, logger } = this.runtime;
    return createWebhookRoute({
      source,
      receiver,
      refusals,
      logger,
      bodies,
      isAccepting: () => this.runtime.accepting,
    });
  }
}

function registerRoute(adapter: HttpServer, path: string, edge: WebhookRoute): void {
  const type = adapter.getType();
  if (type === 'express') {
    (adapter.getInstance() as ExpressApp).post(path, (request, response) => edge(request, response));
  } else if (type === 'fastify') {
    (adapter.getInstance() as FastifyApp).route({
      method: 'POST',
      url: path,
      // Taken over before Fastify looks at the content type or the body, and never given back.
      onRequest: (request, reply) => {
        reply.hijack();
        edge(request.raw, reply.raw);
      },
      handler: () => undefined,
    });
  } else {
    throw new ConfigurationError('WebhooksModule', `found the HTTP adapter "${type}"; expected Express or Fastify`);
  }
}

/**
 * Express matches in any case and with or without a slash at the end. A route for every method is left out: that is
 * what Nest makes of a middleware bound to this path.
 */
function answersPost({ path, methods }: ExpressRoute, wanted: string): boolean {
  if (typeof path !== 'string' || !('post' in methods) || 'get' in methods) return false;
  return path.replace(/\/$/, '').toLowerCase() === wanted.toLowerCase();
}

function duplicatePath(source: string, path: string): ConfigurationError {
  return new ConfigurationError(
    `source "${source}"`,
    `its path ${path} is taken by another route too, and one of them would never be called; give one another path`,
  );
}
