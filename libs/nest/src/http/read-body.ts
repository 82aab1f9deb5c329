import type { IncomingMessage } from 'node:http';
import { timers } from 'nestjs-runhooks/internal';
import type { BodyTimer, TimedBody } from './body-timer.js';
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

/** Limits of one read, and where its share of the limits of the app is counted. */
export interface BodyRead {
  readonly bytesMax: number;
  readonly held: HeldBody;
  readonly timer: BodyTimer;
}

/**
 * Reads a request's body from the stream, up to `bytesMax`. If the app has already read the body, uses the bytes that it
 * kept. Rejects with errors that code of the app throws.
 */
export function readBody(request: IncomingMessage, read: BodyRead): Promise<BodyResult> {
  return new Promise((resolve, reject) => {
    const known = knownResult(request, read);
    if (known) resolve(known);
    else new BodyReader(request, read, resolve, reject).start();
  });
}

/** Returns the result if the stream need not be read for it. */
function knownResult(request: IncomingMessage, { bytesMax, held }: BodyRead): BodyResult | undefined {
  if (request.readableDidRead) {
    const kept = keptBody(request);
    return 'bytes' in kept ? withinLimit(kept.bytes, bytesMax, held) : { ok: false, problem: 'consumed', ...kept };
  }
  // A body parser of the app has ended the stream without finding a byte.
  if (request.readableEnded) return { ok: false, problem: 'empty' };
  // A hook of the app delayed the request until its sender disconnected, so 'close' was already emitted.
  if (request.destroyed) return { ok: false, problem: 'aborted' };
  if (Number(request.headers['content-length']) > bytesMax) return { ok: false, problem: 'too-large' };
  return undefined;
}

function withinLimit(body: Buffer, bytesMax: number, held: HeldBody): BodyResult {
  if (body.length === 0) return { ok: false, problem: 'empty' };
  if (body.length > bytesMax) return { ok: false, problem: 'too-large' };
  return held.resize(body.length) ? { ok: true, body } : { ok: false, problem: 'busy' };
}

type Listener = (chunk?: unknown) => void;

/**
 * Reads one body and joins its chunks as they arrive. A list of chunks of one byte would need hundreds of times the size of
 * the body, for a sender that is not verified yet.
 */
class BodyReader implements TimedBody {
  readonly #request: IncomingMessage;
  readonly #read: BodyRead;
  readonly #resolve: (result: BodyResult) => void;
  readonly #reject: (error: unknown) => void;
  #room: Buffer = EMPTY;
  #bytes = 0;
  #bytesAtPause = -1;
  #isReadByHand = false;
  #isOver = false;

  constructor(
    request: IncomingMessage,
    read: BodyRead,
    resolve: (result: BodyResult) => void,
    reject: (error: unknown) => void,
  ) {
    this.#request = request;
    this.#read = read;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  start(): void {
    const request = this.#request;
    // The timer starts first, because the app may have replaced the stream by one that emits nothing.
    this.#read.timer.start(this);
    try {
      this.#isReadByHand = request.listenerCount('readable') > 0;
      // A 'close' follows an 'error'. Without a listener Node would throw the error, even after the body was read.
      request.on('error', ignore);
      request.on('data', this.#onData);
      request.on('end', this.#onEnd);
      request.on('close', this.#onClose);
      request.on('pause', this.#onPause);
      // A stream that the app has paused does not flow just because it has a listener.
      request.resume();
      if (!this.#isReadByHand) return;
      // If the app listens to 'readable', the stream does not flow. Each read() then emits 'data' to all listeners.
      request.on('readable', this.#onReadable);
      request.read();
    } catch (error) {
      this.#failed(error);
    }
  }

  /** Each listener catches what code of the app throws, so that no error is uncaught. */
  readonly #onData: Listener = (chunk) => {
    if (this.#isOver) return;
    try {
      this.#add(chunk);
    } catch (error) {
      this.#failed(error);
    }
  };
  readonly #onEnd: Listener = () => this.#end();
  readonly #onClose: Listener = () => this.#over({ ok: false, problem: 'aborted' });
  readonly #onPause: Listener = () => this.#resumeLater();
  readonly #onReadable: Listener = () => {
    if (!this.#isOver) this.#guarded(() => this.#request.read());
  };

  #guarded(step: () => void): void {
    try {
      step();
    } catch (error) {
      this.#failed(error);
    }
  }

  #failed(error: unknown): void {
    this.#stop();
    this.#reject(error);
  }

  #add(chunk: unknown): void {
    const { bytesMax, held } = this.#read;
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
    if (chunk instanceof Buffer) return chunk;
    if (typeof chunk === 'string') return Buffer.from(chunk, this.#request.readableEncoding ?? 'utf8');
    if (ArrayBuffer.isView(chunk)) return Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    throw new TypeError(`expected bytes or a string from the request, got a chunk of type ${typeof chunk}`);
  }

  #end(): void {
    if (this.#bytes === 0) this.#over({ ok: false, problem: 'empty' });
    else
      this.#over({
        ok: true,
        body: this.#bytes === this.#room.length ? this.#room : this.#room.subarray(0, this.#bytes),
      });
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
  timeUp(): void {
    timers.setImmediate(() => {
      if (this.#isOver) return;
      this.#guarded(() => this.#over({ ok: false, problem: this.#request.isPaused() ? 'paused' : 'too-slow' }));
    });
  }

  #over(result: BodyResult): void {
    if (this.#isOver) return;
    this.#stop();
    this.#resolve(result);
  }

  #stop(): void {
    this.#isOver = true;
    this.#read.timer.stop(this);
    this.#off('data', this.#onData);
    this.#off('end', this.#onEnd);
    this.#off('close', this.#onClose);
    this.#off('pause', this.#onPause);
    // Removing a listener of 'readable' that was not added would still cost a tick.
    if (this.#isReadByHand) this.#off('readable', this.#onReadable);
  }

  #off(event: string, listener: Listener): void {
    try {
      this.#request.off(event, listener);
    } catch {
      // A listener that stays does nothing, because the reader is over.
    }
  }
}

const EMPTY = Buffer.alloc(0);

function ignore(): void {}

function enlarged(bytes: Uint8Array, length: number): Buffer {
  const room = Buffer.allocUnsafe(length);
  room.set(bytes);
  return room;
}
