import type { Deadline } from './deadline.js';

/** Error inside this room: an answer has more bytes than are accepted. */
export class TooManyBytes extends Error {}

/**
 * Returns all bytes of a body.
 *
 * @throws {TooManyBytes} after more than `bytesMax`, whatever the headers announce.
 */
export async function readAll(body: AsyncIterable<Uint8Array>, bytesMax: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.byteLength;
    if (bytes > bytesMax) throw new TooManyBytes();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, bytes);
}

/** Options for {@link boundedStream}. */
export interface BoundedStreamOptions {
  readonly bytesMax: number;
  /** Its time runs while the next chunk is awaited, not while the reader is busy. */
  readonly deadline: Deadline;
  /** Returns the error for a failure. */
  readonly failed: (error: unknown) => unknown;
}

/** Returns a body as a stream that fails after more than `bytesMax` bytes. */
export function boundedStream(
  body: AsyncIterable<Uint8Array>,
  { bytesMax, deadline, failed }: BoundedStreamOptions,
): ReadableStream<Uint8Array> {
  const chunks = body[Symbol.asyncIterator]();
  let bytes = 0;
  deadline.pause();
  return new ReadableStream<Uint8Array>(
    {
      async pull(stream) {
        try {
          deadline.restart();
          const { done, value } = await chunks.next();
          deadline.pause();
          if (done) {
            deadline.end();
            stream.close();
            return;
          }
          bytes += value.byteLength;
          if (bytes > bytesMax) throw new TooManyBytes();
          stream.enqueue(value);
        } catch (error) {
          stream.error(failed(error));
          deadline.end();
          await chunks.return?.();
        }
      },
      async cancel() {
        deadline.end();
        await chunks.return?.();
      },
    },
    // Nothing is read before the reader asks for it.
    { highWaterMark: 0 },
  );
}
