import type { IncomingMessage } from 'node:http';
import { timers } from 'nestjs-runhooks/internal';
import { NEST_LIMITS } from '../limits.js';
import type { HeldBody } from './held-bodies.js';
import { keptBody } from './kept-body.js';

/** Reasons why a request has no body. */
export type BodyProblem = 'empty' | 'too-large' | 'aborted' | 'too-slow' | 'paused' | 'busy';

/** The bytes of a request, or the reason why it has none. */
export type BodyResult =
  | { readonly ok: true; readonly body: Buffer }
  | { readonly ok: false; readonly problem: BodyProblem }
  /** `found` describes what the app kept of a body that it has read. */
  | { readonly ok: false; readonly problem: 'consumed'; readonly found: string };

/**
 * Reads a request's body from the stream, up to `bytesMax`. If the app has already read the body, uses the bytes that it
 * kept. Rejects with errors that code of the app throws.
 */
export async function readBody(request: IncomingMessage, bytesMax: number, held: HeldBody): Promise<BodyResult> {
  if (request.readableDidRead) {
    const kept = keptBody(request);
    return 'bytes' in kept ? withinLimit(kept.bytes, bytesMax, held) : { ok: false, problem: 'consumed', ...kept };
  }
  // A body parser of the app has ended the stream without finding a byte.
  if (request.readableEnded) return { ok: false, problem: 'empty' };
  // A hook of the app delayed the request until its sender disconnected, so 'close' was already emitted.
  if (request.destroyed) return { ok: false, problem: 'aborted' };
  if (Number(request.headers['content-length']) > bytesMax) return { ok: false, problem: 'too-large' };
  return await new Promise((resolve, reject) => {
    new BodyReader(request, { bytesMax, held, resolve, reject }).start();
  });
}

function withinLimit(body: Buffer, bytesMax: number, held: HeldBody): BodyResult {
  if (body.length === 0) return { ok: false, problem: 'empty' };
  if (body.length > bytesMax) return { ok: false, problem: 'too-large' };
  return held.resize(body.length) ? { ok: true, body } : { ok: false, problem: 'busy' };
}

interface BodyReaderOptions {
  readonly bytesMax: number;
  readonly held: HeldBody;
  readonly resolve: (result: BodyResult) => void;
  readonly reject: (error: unknown) => void;
}

type Listener = (...args: unknown[]) => void;

/**
 * Reads one body and joins its chunks as they arrive. A list of chunks of one byte would need hundreds of times the size of
 * the body, for a sender that is not verified yet.
 */
class BodyReader {
  readonly #request: IncomingMessage;
  readonly #options: BodyReaderOptions;
  readonly #listeners: [event: string, listener: Listener][] = [];
  #timer: NodeJS.Timeout | undefined;
  #room: Buffer = Buffer.alloc(0);
  #bytes = 0;
  #bytesAtPause = -1;
  #isOver = false;

  constructor(request: IncomingMessage, options: BodyReaderOptions) {
    this.#request = request;
    this.#options = options;
  }

  start(): void {
    const request = this.#request;
    // The timer starts first, because the app may have replaced the stream by one that emits nothing.
    this.#timer = timers.setTimeout(() => this.#timeUp(), NEST_LIMITS.bodyReadMs);
    this.#guarded(() => {
      const isReadByHand = request.listenerCount('readable') > 0;
      // A 'close' follows an 'error'. Without a listener Node would throw the error, even after the body was read.
      request.on('error', () => undefined);
      this.#on('data', (chunk) => this.#add(chunk));
      this.#on('end', () => this.#end());
      this.#on('close', () => this.#over({ ok: false, problem: 'aborted' }));
      this.#on('pause', () => this.#resumeLater());
      // A stream that the app has paused does not flow just because it has a listener.
      request.resume();
      if (!isReadByHand) return;
      // If the app listens to 'readable', the stream does not flow. Each read() then emits 'data' to all listeners.
      const read = (): void => void (request.read() as unknown);
      this.#on('readable', read);
      read();
    });
  }

  #on(event: string, listener: Listener): void {
    const guarded: Listener = (...args) => {
      if (!this.#isOver) this.#guarded(() => listener(...args));
    };
    this.#listeners.push([event, guarded]);
    this.#request.on(event, guarded);
  }

  /** Runs a step that may call code of the app. Errors of that code reject the result and are never uncaught. */
  #guarded(step: () => void): void {
    try {
      step();
    } catch (error) {
      this.#stop();
      this.#options.reject(error);
    }
  }

  #add(chunk: unknown): void {
    const { bytesMax, held } = this.#options;
    const bytes = this.#bytesOf(chunk);
    const length = this.#bytes + bytes.length;
    if (length > bytesMax) {
      this.#over({ ok: false, problem: 'too-large' });
      return;
    }
    const isFirst = this.#bytes === 0;
    const isRoomy = length <= this.#room.length;
    const roomBytes = isFirst ? length : isRoomy ? this.#room.length : Math.min(2 * length, bytesMax);
    if (!held.resize(roomBytes)) {
      this.#over({ ok: false, problem: 'busy' });
      return;
    }
    // Most bodies arrive in one chunk, which needs no copy.
    if (isFirst) this.#room = bytes;
    else {
      if (!isRoomy) this.#room = enlarged(this.#room, roomBytes);
      this.#room.set(bytes, this.#bytes);
    }
    this.#bytes = length;
  }

  /** If the app called `setEncoding`, chunks are strings. If that lost bytes, the signature does not match. */
  #bytesOf(chunk: unknown): Buffer {
    if (typeof chunk === 'string') return Buffer.from(chunk, this.#request.readableEncoding ?? 'utf8');
    if (ArrayBuffer.isView(chunk)) return Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    throw new TypeError(`expected bytes or a string from the request, got a chunk of type ${typeof chunk}`);
  }

  #end(): void {
    if (this.#bytes === 0) this.#over({ ok: false, problem: 'empty' });
    else this.#over({ ok: true, body: this.#room.subarray(0, this.#bytes) });
  }

  /**
   * Resumes a stream that a listener of the app paused. It does not resume twice without a new byte, because a listener
   * that pauses on every resume would cause an endless loop.
   */
  #resumeLater(): void {
    if (this.#isOver || this.#bytesAtPause === this.#bytes) return;
    this.#bytesAtPause = this.#bytes;
    timers.setImmediate(() => {
      if (!this.#isOver) this.#guarded(() => this.#request.resume());
    });
  }

  /** If the process was busy, bytes that have arrived in the meantime are read first. */
  #timeUp(): void {
    timers.setImmediate(() => {
      if (this.#isOver) return;
      this.#guarded(() => this.#over({ ok: false, problem: this.#request.isPaused() ? 'paused' : 'too-slow' }));
    });
  }

  #over(result: BodyResult): void {
    if (this.#isOver) return;
    this.#stop();
    this.#options.resolve(result);
  }

  #stop(): void {
    this.#isOver = true;
    timers.clearTimeout(this.#timer);
    for (const [event, listener] of this.#listeners) {
      try {
        this.#request.off(event, listener);
      } catch {
        // A listener that stays does nothing, because the reader is over.
      }
    }
  }
}

function enlarged(bytes: Uint8Array, length: number): Buffer {
  const room = Buffer.allocUnsafe(length);
  room.set(bytes);
  return room;
}
