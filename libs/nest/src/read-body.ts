import type { IncomingMessage } from 'node:http';
import { LIMITS, timers } from 'nestjs-runhooks/core';

/** The bytes of a request, or why there are none. */
export type BodyResult =
  | { readonly ok: true; readonly body: Buffer }
  | { readonly ok: false; readonly problem: 'consumed' | 'empty' | 'too-large' | 'aborted' | 'too-slow' };

/**
 * Reads a request's body from the stream itself, up to `bytesMax`. A body that the host has read already is gone,
 * unless it left the bytes in `rawBody`, as Nest's own option and several cloud runtimes do, or in `body`, as
 * `express.raw()` does.
 */
export async function readBody(request: IncomingMessage, bytesMax: number): Promise<BodyResult> {
  if (request.readableDidRead) {
    const { rawBody, body } = request as { rawBody?: unknown; body?: unknown };
    const bytes = rawBody ?? body;
    return bytes instanceof Uint8Array ? withinLimit(bytes, bytesMax) : { ok: false, problem: 'consumed' };
  }
  // A parser of the host's looked, and there was nothing.
  if (request.readableEnded) return { ok: false, problem: 'empty' };
  // A hook of the host's kept the request until its sender had given up: 'close' has been emitted already.
  if (request.destroyed) return { ok: false, problem: 'aborted' };
  if (Number(request.headers['content-length']) > bytesMax) return { ok: false, problem: 'too-large' };
  return await readStream(request, bytesMax);
}

function withinLimit(bytes: Uint8Array, bytesMax: number): BodyResult {
  if (bytes.length === 0) return { ok: false, problem: 'empty' };
  if (bytes.length > bytesMax) return { ok: false, problem: 'too-large' };
  return { ok: true, body: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length) };
}

/**
 * Bytes are put together as they come. Kept as they came, a body in chunks of one byte would take hundreds of times its
 * size, from a sender who has proved nothing yet.
 */
function readStream(request: IncomingMessage, bytesMax: number): Promise<BodyResult> {
  return new Promise((resolve) => {
    let room: Buffer = Buffer.alloc(0);
    let bytes = 0;
    const end = (result: BodyResult): void => {
      timers.clearTimeout(timer);
      request.off('data', onData).off('end', onEnd).off('close', onClose);
      resolve(result);
    };
    const onData = (chunk: Buffer): void => {
      const length = bytes + chunk.length;
      if (length > bytesMax) {
        end({ ok: false, problem: 'too-large' });
        return;
      }
      // Most bodies come in one piece, which is taken as it is.
      if (bytes === 0) room = chunk;
      else {
        if (length > room.length) room = enlarged(room, Math.min(2 * length, bytesMax));
        room.set(chunk, bytes);
      }
      bytes = length;
    };
    const onEnd = (): void => {
      if (bytes === 0) end({ ok: false, problem: 'empty' });
      else end({ ok: true, body: room.subarray(0, bytes) });
    };
    const onClose = (): void => end({ ok: false, problem: 'aborted' });
    const timer = timers.setTimeout(() => end({ ok: false, problem: 'too-slow' }), LIMITS.bodyReadMs);
    // An 'error' is followed by 'close'; without a listener it would be thrown.
    request
      .on('data', onData)
      .on('end', onEnd)
      .on('close', onClose)
      .on('error', () => undefined);
  });
}

function enlarged(bytes: Uint8Array, length: number): Buffer {
  const room = Buffer.allocUnsafe(length);
  room.set(bytes);
  return room;
}
