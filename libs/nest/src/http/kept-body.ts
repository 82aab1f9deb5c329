/** The bytes that the app kept of a body it has read, or a description of what it kept instead, for the operator. */
export type KeptBody = { readonly bytes: Buffer } | { readonly found: string };

/**
 * Returns the kept bytes. Nest's option `rawBody` and several cloud runtimes set `rawBody`; `express.raw()` and
 * `express.text()` set `body`. Strings are encoded as UTF-8. If the sender used another encoding, the signature does not
 * match.
 */
export function keptBody(request: object): KeptBody {
  const { rawBody, body } = request as { rawBody?: unknown; body?: unknown };
  const kept = [rawBody, body].map(bytesOf);
  const bytes = kept.find((found) => found && found.length > 0);
  if (bytes) return { bytes };
  if (!kept[0] && !isNothing(rawBody)) return { found: `${kindOf(rawBody)} in request.rawBody` };
  if (!kept[1] && !isNothing(body)) return { found: `${kindOf(body)} in request.body` };
  const empty = kept.find(Boolean);
  return empty ? { bytes: empty } : { found: 'nothing in request.rawBody and request.body' };
}

function bytesOf(kept: unknown): Buffer | undefined {
  if (typeof kept === 'string') return Buffer.from(kept);
  // A buffer from another realm, for example of a test runner, is not an instance of this realm's class.
  if (ArrayBuffer.isView(kept)) return Buffer.from(kept.buffer, kept.byteOffset, kept.byteLength);
  const tag = Object.prototype.toString.call(kept);
  const isBuffer = tag === '[object ArrayBuffer]' || tag === '[object SharedArrayBuffer]';
  return isBuffer ? Buffer.from(kept as ArrayBuffer) : undefined;
}

function isNothing(kept: unknown): boolean {
  return kept === undefined || kept === null;
}

/** Names the kind of the value but never the value, because it is a payload. */
function kindOf(kept: unknown): string {
  if (Array.isArray(kept)) return 'an array, as a parser makes it';
  if (typeof kept === 'object') return 'an object, as a parser makes it';
  return `a value of type ${typeof kept}`;
}
