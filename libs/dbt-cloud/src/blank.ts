import { blankValues } from 'nestjs-runhooks/core';

/** `"None"` comes from Python; `""` has been seen for `dbtVersion` and `runReason`. */
export const { isBlank, filled, MayBeBlank } = blankValues(['', 'None']);
