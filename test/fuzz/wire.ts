import type { Step } from './fuzz-case.js';
import type { Fields } from './proofs.js';
import type { Random } from './random.js';

const JSON_TYPE: Fields = [['content-type', 'application/json']];
const CRLF = Buffer.from('\r\n');

/** Returns the head of a request; the caller sends the body. One character of a field is one byte. */
export function headOf(path: string, fields: Fields, method = 'POST'): Buffer {
  const lines = [['host', '127.0.0.1'], ...JSON_TYPE, ...fields].map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.from(`${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`, 'latin1');
}

/** Returns a complete request in one piece. */
export function requestOf(path: string, fields: Fields, body: Buffer, method = 'POST'): Buffer {
  return Buffer.concat([headOf(path, [...fields, ['content-length', String(body.length)]], method), body]);
}

/** Returns a request with a valid transport: in one piece, in several, or in chunks. */
export function sentWell(random: Random, path: string, fields: Fields, body: Buffer): Step[] {
  return random.weighted<() => Step[]>([
    [14, () => [{ write: requestOf(path, fields, body) }]],
    [3, () => inPieces(random, requestOf(path, fields, body), 1)],
    [3, () => [{ write: chunkedRequest(random, path, fields, body) }]],
    [1, () => inPieces(random, chunkedRequest(random, path, fields, body), 1)],
    [0.5, () => inPieces(random, requestOf(path, fields, body), 40)],
  ])();
}

export function chunkedRequest(random: Random, path: string, fields: Fields, body: Buffer): Buffer {
  return Buffer.concat([headOf(path, [...fields, ['transfer-encoding', 'chunked']]), chunked(random, body)]);
}

/** Returns two to five writes with pauses of up to `pauseMsMax` milliseconds. */
export function inPieces(random: Random, bytes: Buffer, pauseMsMax: number): Step[] {
  const cuts = Array.from({ length: random.between(1, 4) }, () => random.between(1, bytes.length - 1));
  const ends = [...cuts, bytes.length].sort((one, other) => one - other);
  return ends.flatMap((end, index) => [
    { write: bytes.subarray(ends[index - 1] ?? 0, end) },
    { pauseMs: random.between(0, pauseMsMax) },
  ]);
}

function chunked(random: Random, body: Buffer): Buffer {
  const bytesMax = random.pick([1, 16, 1_000, body.length]);
  const parts: Buffer[] = [];
  let at = 0;
  while (at < body.length) {
    // Limits the number of chunks, so that they do not take too long.
    const chunk = body.subarray(at, at + Math.max(random.between(1, bytesMax), Math.ceil(body.length / 4_000)));
    const extension = random.chance(0.05) ? `;${random.word(5)}="${random.word(5)}"` : '';
    parts.push(Buffer.from(`${chunk.length.toString(16)}${extension}\r\n`), chunk, CRLF);
    at += chunk.length;
  }
  const trailer = random.chance(0.1) ? `x-trailer: ${random.word(5)}\r\n` : '';
  return Buffer.concat([...parts, Buffer.from(`0\r\n${trailer}\r\n`)]);
}
