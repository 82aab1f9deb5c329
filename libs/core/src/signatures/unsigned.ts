import type { SignatureScheme } from './signature-scheme.js';

/**
 * Returns a scheme that accepts every message from everyone who knows the path. Use it only for senders that cannot sign,
 * behind another protection.
 */
export function unsigned(): SignatureScheme {
  return {
    description: 'NONE (unsigned)',
    isOpenToAnyone: true,
    headersKept: [],
    verify: () => ({ ok: true }),
    signedId: () => '',
  };
}
