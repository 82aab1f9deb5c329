import { blankValues } from 'nestjs-runhooks/core';

/**
 * Strings that Python and its libraries write for a missing value. Paradime does not document which of them it sends.
 * A schedule must not have one of these names.
 */
const BLANK_WORDS: readonly string[] = ['', 'None', 'NaT', 'NaN', 'nan', 'null'];

export const { isBlank, filled, MayBeBlank, NotBlank } = blankValues(BLANK_WORDS);
