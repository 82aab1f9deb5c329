/** The bytes that the host left of a body it has read, or what it left instead, for the operator. */
export type KeptBody = { readonly bytes: Buffer } | { readonly found: string };

/**
 * `rawBody` is what Nest's own option and several cloud runtimes leave, `body` what `express.raw()` and
 * `express.text()` do. Text is taken as UTF-8: where that is not what was sent, the signature does not match.
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
  // A buffer made elsewhere, as in a test's own realm, is not an instance of the class of this one.
  if (ArrayBuffer.isView(kept)) return Buffer.from(kept.buffer, kept.byteOffset, kept.byteLength);
  const tag = Object.prototype.toString.call(kept);
  const isBuffer = tag === '[object ArrayBuffer]' || tag === '[object SharedArrayBuffer]';
  return isBuffer ? Buffer.from(kept as ArrayBuffer) : undefined;
}

function isNothing(kept: unknown): boolean {
  return kept === undefined || kept === null;
}

/** Never the value: it is what the sender sent. */
function kindOf(kept: unknown): string {
  if (Array.isArray(kept)) return 'an array, as a parser makes it';
  if (typeof kept === 'object') return 'an object, as a parser makes it';
  return `a value of type ${typeof kept}`;
}
