import { printable } from './json-path.js';
import { LIMITS } from '../limits.js';

/** A field of a payload that was invalid and left out although the message could be parsed. It contains no value. */
export interface ParseNote {
  /** Path of the field, for example `data.runStartedAt` or `commands[3].return_code`. */
  readonly path: string;
  /** Expected kind of value, for example `an integer`; empty if every kind is accepted. */
  readonly expected: string;
  /** Actual kind of value, for example `a string of 12 characters`. */
  readonly found: string;
}

/** Returns a note as text, for a reason. */
export function describeNote({ path, expected, found }: ParseNote): string {
  return expected === '' ? `${path}: got ${found}` : `${path}: expected ${expected}, got ${found}`;
}

/** Returns how many fields were left out and the paths of the first ones, for the log. */
export function leftOut(notes: readonly ParseNote[]): string {
  const [count, were] =
    notes.length === 1
      ? ['1 field', 'was']
      : [`${notes.length}${notes.length < LIMITS.notesMax ? '' : ' or more'} fields`, 'were'];
  const paths = notes.slice(0, LIMITS.notesLoggedMax).map(({ path }) => path);
  const more = notes.length > paths.length ? ', …' : '';
  return `${count} did not match and ${were} left out: ${paths.join(', ')}${more}`;
}

/**
 * Returns the notes to store: the first `LIMITS.notesMax`, each of their texts printable and up to `LIMITS.noteCharsMax`
 * characters long. Values that are not notes are dropped, because third-party providers may lack types.
 */
export function notesToKeep(notes: unknown): readonly ParseNote[] {
  return Array.isArray(notes) ? notes.filter(isNote).slice(0, LIMITS.notesMax).map(kept) : [];
}

function isNote(value: unknown): value is ParseNote {
  if (typeof value !== 'object' || value === null) return false;
  const { path, expected, found } = value as Partial<Record<keyof ParseNote, unknown>>;
  return [path, expected, found].every((text) => typeof text === 'string');
}

function kept({ path, expected, found }: ParseNote): ParseNote {
  return { path: short(path), expected: short(expected), found: short(found) };
}

function short(text: string): string {
  return printable(text.slice(0, LIMITS.noteCharsMax));
}
