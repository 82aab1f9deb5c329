import type { Clock } from 'nestjs-runhooks';
import type {
  FakeErrorOptions,
  FakeFailureOptions,
  FakeFaults,
  FakeFaultScope,
  FakeRateLimitOptions,
} from './fake-faults.js';
import { FAKE_LIMITS } from '../limits.js';

/** Fault of one call. */
export type ApiFault =
  | ({ readonly kind: 'respond'; readonly status: number; readonly body: string; readonly headers: Headers } & Failure)
  | ({ readonly kind: 'hang' } & Failure)
  | ({ readonly kind: 'hold'; readonly until: () => void | Promise<void> } & Failure)
  | { readonly kind: 'slow'; readonly ms: number }
  | { readonly kind: 'cut' };

interface Failure {
  /** Whether what was asked is done first. */
  readonly carriedOut: boolean;
}

type Headers = Readonly<Record<string, string>>;

/** Fault of one webhook. */
export type WebhookFault =
  | { readonly kind: 'lose' | 'repeat' }
  | { readonly kind: 'delay'; readonly ms: number }
  | { readonly kind: 'reorder'; readonly group: ReorderGroup };

/** Webhooks that are sent in the reverse order, once there are `size` of them. */
export interface ReorderGroup {
  readonly size: number;
}

interface Cooldown {
  readonly untilMs: number;
  readonly retryAfter: boolean;
}

interface Left<T> {
  readonly fault: T;
  readonly scope?: FakeFaultScope;
  left: number;
}

const PAGE =
  '<html><head><title>502 Bad Gateway</title></head><body><center><h1>502 Bad Gateway</h1></center></body></html>';

/** Faults that wait for their calls and webhooks. */
export class Faults implements FakeFaults {
  readonly #clock: Clock;
  #calls: Left<ApiFault>[] = [];
  #webhooks: Left<WebhookFault>[] = [];
  #cooldown: Cooldown | undefined;
  #listLagMs = 0;
  #artifactsMs = 0;
  #changesFields = false;
  #changes = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Delay of lists, in milliseconds. */
  get listLagMs(): number {
    return this.#listLagMs;
  }

  /** Time between the end of a run and its artifacts, in milliseconds. */
  get artifactsMs(): number {
    return this.#artifactsMs;
  }

  respond(status: number, { text = '', headers = {}, carriedOut = false, ...scope }: FakeErrorOptions = {}): void {
    this.#add({ kind: 'respond', status, body: text, headers, carriedOut }, scope);
  }

  html({ status = 502, ...scope }: FakeFailureOptions & { readonly status?: number } = {}): void {
    this.respond(status, { ...scope, text: PAGE, headers: { 'content-type': 'text/html' } });
  }

  rateLimit({ cooldownMs = FAKE_LIMITS.cooldownMs, retryAfter = false }: FakeRateLimitOptions = {}): void {
    this.#cooldown = { untilMs: this.#clock.now().getTime() + cooldownMs, retryAfter };
  }

  slow(ms: number, scope: FakeFaultScope = {}): void {
    this.#add({ kind: 'slow', ms }, scope);
  }

  hang({ carriedOut = false, ...scope }: FakeFailureOptions = {}): void {
    this.#add({ kind: 'hang', carriedOut }, scope);
  }

  hold(until: () => void | Promise<void>, { carriedOut = false, ...scope }: FakeFailureOptions = {}): void {
    this.#add({ kind: 'hold', until, carriedOut }, scope);
  }

  cut(scope: FakeFaultScope = {}): void {
    this.#add({ kind: 'cut' }, scope);
  }

  lagLists(ms: number = FAKE_LIMITS.listLagMs): void {
    this.#listLagMs = ms;
  }

  changeFields(on = true): void {
    this.#changesFields = on;
  }

  delayArtifacts(ms: number): void {
    this.#artifactsMs = ms;
  }

  loseWebhooks(count = 1): void {
    this.#webhooks.push({ fault: { kind: 'lose' }, left: count });
  }

  repeatWebhooks(count = 1): void {
    this.#webhooks.push({ fault: { kind: 'repeat' }, left: count });
  }

  delayWebhooks(ms: number, count = 1): void {
    this.#webhooks.push({ fault: { kind: 'delay', ms }, left: count });
  }

  reorderWebhooks(count = 2): void {
    this.#webhooks.push({ fault: { kind: 'reorder', group: { size: count } }, left: count });
  }

  clear(): void {
    this.#calls = [];
    this.#webhooks = [];
    this.#cooldown = undefined;
    this.#listLagMs = 0;
    this.#artifactsMs = 0;
    this.#changesFields = false;
  }

  /** Returns the fault of a call, and counts it. */
  takeForCall(path: string, body: string): ApiFault | undefined {
    const [found, left] = take(
      this.#calls,
      ({ scope = {} }) => (scope.path?.test(path) ?? true) && (scope.body?.test(body) ?? true),
    );
    this.#calls = left;
    return found;
  }

  /** Returns the fault of a webhook, and counts it. */
  takeForWebhook(): WebhookFault | undefined {
    const [found, left] = take(this.#webhooks, () => true);
    this.#webhooks = left;
    return found;
  }

  /** Returns the headers of a 429, or `undefined` if no cooldown is on. */
  cooldownHeaders(): Headers | undefined {
    if (this.#cooldown === undefined) return undefined;
    const { untilMs, retryAfter } = this.#cooldown;
    const leftMs = untilMs - this.#clock.now().getTime();
    if (leftMs <= 0) return undefined;
    return retryAfter ? { 'retry-after': String(Math.ceil(leftMs / 1_000)) } : {};
  }

  /** Returns a number that differs at every call if fields change, and `undefined` otherwise. */
  nextChange(): number | undefined {
    return this.#changesFields ? (this.#changes += 1) : undefined;
  }

  #add(fault: ApiFault, scope: FakeFaultScope): void {
    this.#calls.push({ fault, scope, left: scope.times ?? 1 });
  }
}

/** Returns the first fault that fits, and the faults that are left. */
function take<T>(faults: readonly Left<T>[], fits: (fault: Left<T>) => boolean): [T | undefined, Left<T>[]] {
  const found = faults.find((fault) => fault.left > 0 && fits(fault));
  if (found) found.left -= 1;
  return [found?.fault, faults.filter(({ left }) => left > 0)];
}
