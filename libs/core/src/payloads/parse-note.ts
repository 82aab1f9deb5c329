import { printable } from './json-path.js';
import { LIMITS } from '../limits.js';

/** A field of a payload that did not fit and was left out, though the message could be read. Names no value. */
export interface ParseNote {
  /** Where it is, for example `data.runStartedAt` or `commands[3].return_code`. */
  readonly path: string;
  /** What was expected there, for example `a whole number`; empty where anything would have been taken. */
  readonly expected: string;
  /** The kind of what was found, for example `a text of 12 characters`. */
  readonly found: string;
}

/** A note as a sentence, for a reason. */
export function describeNote({ path, expected, found }: ParseNote): string {
  return expected === '' ? `${path}: found ${found}` : `${path}: expected ${expected}, found ${found}`;
}

/** For the log: how many fields were left out, and where the first of them are. */
export function leftOut(notes: readonly ParseNote[]): string {
  const count = `${notes.length}${notes.length < LIMITS.notesMax ? '' : ' or more'}`;
  const paths = notes.slice(0, LIMITS.notesLoggedMax).map(({ path }) => path);
  const more = notes.length > paths.length ? ', …' : '';
  return `${count} ${count === '1' ? 'field' : 'fields'} did not match and ${count === '1' ? 'was' : 'were'} left out: ${paths.join(', ')}${more}`;
}

/**
 * The notes of a reading as they are kept: the first `LIMITS.notesMax`, each text printable and of at most
 * `LIMITS.noteCharsMax` characters. Providers are anyone's: what is no note is left out, since nothing depends on it.
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
