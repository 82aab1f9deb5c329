import { LIMITS } from '../limits.js';
import type { HeaderMap } from '../sources/message.js';
import type { Verification } from '../sources/verification.js';

/** First part of the header names: `svix` of Svix, `webhook` of the specification and of white-label senders. */
export type StandardWebhooksFamily = 'svix' | 'webhook';

/** Well-formed headers of one family. They are not verified. */
export interface StandardWebhooksHeaders {
  readonly ok: true;
  readonly family: StandardWebhooksFamily;
  readonly id: string;
  /** Seconds since 1970, as sent. */
  readonly timestamp: string;
  /** Entries `<version>,<signature>`. */
  readonly signatures: readonly VersionedSignature[];
}

export interface VersionedSignature {
  readonly version: string;
  readonly signature: string;
}

type Refusal = Extract<Verification, { ok: false }>;

/** Printable ASCII without spaces and dots. With a dot in it, bytes could move between the id, the time and the body. */
const ID = /^[\x21-\x2d\x2f-\x7e]+$/;
const TIMESTAMP = /^[0-9]{1,10}$/;

const FAMILIES: readonly StandardWebhooksFamily[] = ['svix', 'webhook'];

export function headerNames(family: StandardWebhooksFamily): [id: string, timestamp: string, signature: string] {
  return [`${family}-id`, `${family}-timestamp`, `${family}-signature`];
}

export const STANDARD_WEBHOOKS_HEADERS: readonly string[] = FAMILIES.flatMap(headerNames);

/**
 * Takes one whole family, never a mixture. A sender uses one; if both are there, `svix-*` counts, as in the official
 * libraries, and the other is not looked at.
 */
export function readStandardWebhooksHeaders(headers: HeaderMap): StandardWebhooksHeaders | Refusal {
  const missing = (family: StandardWebhooksFamily) => headerNames(family).filter((name) => !headers[name]);
  const [family = 'svix'] = [...FAMILIES].sort((a, b) => missing(a).length - missing(b).length);
  if (missing(family).length > 0) return refuseMissing(missing(family));
  const [idName, timestampName, signatureName] = headerNames(family);
  const { [idName]: id = '', [timestampName]: timestamp = '', [signatureName]: signature = '' } = headers;
  if (!ID.test(id) || id.length > LIMITS.messageIdCharsMax) {
    const expected = `one id of at most ${LIMITS.messageIdCharsMax} printable ASCII characters, without spaces and dots`;
    return refuseMalformed(idName, expected);
  }
  if (!TIMESTAMP.test(timestamp)) {
    return refuseMalformed(timestampName, 'seconds since 1970, as 1 to 10 digits');
  }
  const entries = signature.split(' ').filter((entry) => entry !== '');
  if (entries.length > LIMITS.signaturesMax) {
    const expected = `at most ${LIMITS.signaturesMax} entries "<version>,<base64>" separated by spaces, in one header`;
    return refuseMalformed(signatureName, expected);
  }
  const signatures = entries.map(readEntry).filter((entry) => entry.signature !== '');
  return { ok: true, family, id, timestamp, signatures };
}

/** Ignores text after a second comma and malformed entries, as the official libraries do. */
function readEntry(entry: string): VersionedSignature {
  const [version = '', signature = ''] = entry.split(',');
  return { version, signature };
}

function refuseMissing(missing: readonly string[]): Refusal {
  const families = FAMILIES.map((family) => headerNames(family).join(', ')).join('; or ');
  return {
    ok: false,
    check: 'missing-header',
    reason:
      missing.length === headerNames('svix').length
        ? `No signature headers were found; expected all of one family: ${families}.`
        : `Missing or empty: ${missing.join(', ')}; expected all of one family: ${families}.`,
  };
}

function refuseMalformed(name: string, expected: string): Refusal {
  return { ok: false, check: 'malformed-header', reason: `Header "${name}" is malformed; expected ${expected}.` };
}
