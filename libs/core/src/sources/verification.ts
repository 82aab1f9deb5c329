/** Which check a message failed. The caller learns it, with one sentence; never a digest or a secret. */
export type SignatureCheck =
  'missing-header' | 'malformed-header' | 'signature-mismatch' | 'timestamp-too-old' | 'timestamp-too-new';

/** The answer of a signature scheme. */
export type Verification =
  | {
      readonly ok: true;
      /** Position of the secret that matched, to see when an old one can be dropped. */
      readonly secretIndex?: number;
    }
  | {
      readonly ok: false;
      readonly check: SignatureCheck;
      /** One sentence for the sender: names headers and what was expected, never their values. */
      readonly reason: string;
    };
