/** Check that a message failed. The response contains it with a sentence, but no digest and no secret. */
export type SignatureCheck =
  'missing-header' | 'malformed-header' | 'signature-mismatch' | 'timestamp-too-old' | 'timestamp-too-new';

/** Result of a signature check. */
export type Verification =
  | {
      readonly ok: true;
      /** Index of the secret that matched, which shows when an old one can be removed. */
      readonly secretIndex?: number;
    }
  | {
      readonly ok: false;
      readonly check: SignatureCheck;
      /** A sentence for the sender. It names headers and what was expected, but no values. */
      readonly reason: string;
    };
