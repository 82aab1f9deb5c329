import type { IncomingMessage } from 'node:http';
import { LIMITS, timers } from 'nestjs-runhooks/core';
import type { HeldBody } from './held-bodies.js';
import { keptBody } from './kept-body.js';

export type BodyProblem = 'empty' | 'too-large' | 'aborted' | 'too-slow' | 'paused' | 'busy';

/** The bytes of a request, or why there are none. */
export type BodyResult =
  | { readonly ok: true; readonly body: Buffer }
  | { readonly ok: false; readonly problem: BodyProblem }
  /** `found`: what the host left of a body that it has read. */
  | { readonly ok: false; readonly problem: 'consumed'; readonly found: string };

/**
 * Reads a request's body from the stream itself, up to `bytesMax`. A body that the host has read already is gone,
 * unless it left the bytes. Rejects with what code of the host throws.
 */
export async function readBody(request: IncomingMessage, bytesMax: number, held: HeldBody): Promise<BodyResult> {
  if (request.readableDidRead) {
    const kept = keptBody(request);
    return 'bytes' in kept ? withinLimit(kept.bytes, bytesMax, held) : { ok: false, problem: 'consumed', ...kept };
  }
  // A parser of the host's looked, and there was nothing.
  if (request.readableEnded) return { ok: false, problem: 'empty' };
  // A hook of the host's kept the request until its sender had given up: 'close' has been emitted already.
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
 * Reads one body. Bytes are put together as they come. Kept as they came, a body in chunks of one byte would take
 * hundreds of times its size, from a sender who has proved nothing yet.
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
    // First, so that a host whose stream emits nothing cannot hold the request either.
    this.#timer = timers.setTimeout(() => this.#timeUp(), LIMITS.bodyReadMs);
    this.#guarded(() => {
      const isReadByHand = request.listenerCount('readable') > 0;
      // An 'error' is followed by 'close'; without a listener it would be thrown, also after this is over.
      request.on('error', () => undefined);
      this.#on('data', (chunk) => this.#add(chunk));
      this.#on('end', () => this.#end());
      this.#on('close', () => this.#over({ ok: false, problem: 'aborted' }));
      this.#on('pause', () => this.#resumeLater());
      // What the host paused stays so, whoever listens.
      request.resume();
      if (!isReadByHand) return;
      // With such a listener of the host's the stream does not flow: it gives what it is asked for, to all.
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

  /** Code of the host runs in here: what it throws becomes the answer, and never an uncaught exception. */
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
    // Most bodies come in one piece, which is taken as it is.
    if (isFirst) this.#room = bytes;
    else {
      if (!isRoomy) this.#room = enlarged(this.#room, roomBytes);
      this.#room.set(bytes, this.#bytes);
    }
    this.#bytes = length;
  }

  /** After `setEncoding` of the host's chunks are text. Where bytes were lost by that, the signature does not match. */
  #bytesOf(chunk: unknown): Buffer {
    if (typeof chunk === 'string') return Buffer.from(chunk, this.#request.readableEncoding ?? 'utf8');
    if (ArrayBuffer.isView(chunk)) return Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    throw new TypeError(`the request gave a chunk of type ${typeof chunk}; expected bytes or text`);
  }

  #end(): void {
    if (this.#bytes === 0) this.#over({ ok: false, problem: 'empty' });
    else this.#over({ ok: true, body: this.#room.subarray(0, this.#bytes) });
  }

  /**
   * A listener of the host's may pause for a while, as a pipe does, or for ever. Each pause is ended, but not two without
   * a byte between them, which would go round and round.
   */
  #resumeLater(): void {
    if (this.#isOver || this.#bytesAtPause === this.#bytes) return;
    this.#bytesAtPause = this.#bytes;
    timers.setImmediate(() => {
      if (!this.#isOver) this.#guarded(() => this.#request.resume());
    });
  }

  /** Where the process was busy all that time, what has arrived meanwhile is read first. */
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
        // Over is over: a listener that stays does nothing.
      }
    }
  }
}

function enlarged(bytes: Uint8Array, length: number): Buffer {
  const room = Buffer.allocUnsafe(length);
  room.set(bytes);
  return room;
}
