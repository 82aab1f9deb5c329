import crypto from 'node:crypto';

/** Returns the SHA-256 of a body. `crypto.hash` takes two thirds of the time, but not every runtime has it. */
export function sha256(body: Uint8Array): Buffer {
  const { hash } = crypto as Partial<typeof crypto>;
  return hash ? hash('sha256', body, 'buffer') : crypto.createHash('sha256').update(body).digest();
}
