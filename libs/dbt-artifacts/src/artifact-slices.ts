import { Buffer, isUtf8 } from 'node:buffer';
import { timers } from 'nestjs-runhooks/core';
import type { ArtifactBytes, ArtifactOptions } from './artifact.js';
import { ARTIFACT_LIMITS } from './limits.js';
import { UnreadableFile } from './unreadable-file.js';

/**
 * Cuts a stream into slices that are short enough to be read at once, and lets the event loop run its other work between them.
 * Checks that the bytes are UTF-8.
 *
 * @throws {UnreadableFile} if the bytes are not UTF-8, or more than `bytesMax`.
 */
export async function* artifactSlices(bytes: ArtifactBytes, options: ArtifactOptions): AsyncGenerator<Buffer, void> {
  const { bytesMax, signal } = options;
  const text = new Utf8Check();
  let size = 0;
  let busySince = timers.monotonicMs();
  signal?.throwIfAborted();
  try {
    for await (const chunk of bytes) {
      size += chunk.byteLength;
      if (size > bytesMax) throw new UnreadableFile('too-large');
      for (let start = 0; start < chunk.byteLength; start += ARTIFACT_LIMITS.sliceBytesMax) {
        const length = Math.min(chunk.byteLength - start, ARTIFACT_LIMITS.sliceBytesMax);
        const slice = Buffer.from(chunk.buffer, chunk.byteOffset + start, length);
        text.push(slice);
        yield slice;
        if (timers.monotonicMs() - busySince > ARTIFACT_LIMITS.busyMsMax) {
          await timers.turn();
          busySince = timers.monotonicMs();
        }
        signal?.throwIfAborted();
      }
    }
  } catch (error) {
    // The stream of an aborted call fails with an error of its own.
    signal?.throwIfAborted();
    throw error;
  }
}

/**
 * Checks that slices are UTF-8, including the characters that two slices share. A character that is cut at the end of the file is
 * not reported, because no byte of it can belong to a document that is complete.
 */
class Utf8Check {
  #rest: Uint8Array = new Uint8Array();

  push(slice: Uint8Array): void {
    const bytes = this.#rest.length === 0 ? slice : Buffer.concat([this.#rest, slice]);
    const end = bytes.length - unfinishedBytes(bytes);
    if (!isUtf8(bytes.subarray(0, end))) throw new UnreadableFile('unreadable');
    this.#rest = bytes.slice(end);
  }
}

/** Returns how many bytes at the end belong to a character that continues in the next slice. */
function unfinishedBytes(bytes: Uint8Array): number {
  for (let count = 1; count <= Math.min(3, bytes.length); count++) {
    const byte = bytes[bytes.length - count] ?? 0;
    if ((byte & 0xc0) === 0x80) continue;
    const needed = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return needed > count ? count : 0;
  }
  return 0;
}
