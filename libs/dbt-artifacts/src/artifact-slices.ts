import { Buffer } from 'node:buffer';
import { timers } from 'nestjs-runhooks/core';
import type { ArtifactBytes, ArtifactOptions } from './artifact.js';
import { ARTIFACT_LIMITS } from './limits.js';
import { UnreadableFile } from './unreadable-file.js';

/**
 * Cuts a stream into slices that are short enough to be read at once, and lets the event loop run its other work between them.
 *
 * @throws {UnreadableFile} if there are more bytes than `bytesMax`.
 */
export async function* artifactSlices(bytes: ArtifactBytes, options: ArtifactOptions): AsyncGenerator<Buffer, void> {
  const { bytesMax, signal } = options;
  let size = 0;
  let busySince = timers.monotonicMs();
  signal?.throwIfAborted();
  try {
    for await (const chunk of bytes) {
      size += chunk.byteLength;
      if (size > bytesMax) throw new UnreadableFile('too-large');
      for (let start = 0; start < chunk.byteLength; start += ARTIFACT_LIMITS.sliceBytesMax) {
        const length = Math.min(chunk.byteLength - start, ARTIFACT_LIMITS.sliceBytesMax);
        yield Buffer.from(chunk.buffer, chunk.byteOffset + start, length);
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
