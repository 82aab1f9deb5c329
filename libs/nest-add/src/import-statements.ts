/** A static import and its place in a file's text. */
export interface ImportStatement {
  readonly start: number;
  readonly end: number;
  /** Text between `import` and `from`; empty for `import 'x'`. */
  readonly clause: string;
  readonly specifier: string;
  readonly quote: string;
  readonly semicolon: boolean;
}

const START = /^[ \t]*import(?!\s*[(.])\b/gm;
const STATEMENT =
  /import\s*(?:([^'"();`=]*?)\s*from\s*)?(?:[\w$]+\s*=\s*require\s*\(\s*)?(['"])([ ]*)\2(?:\s*\))?(?:\s*with\s*\{[^}]*\})?[ \t]*(;?)/y;

/** Returns the imports of a source file in order, or `undefined` if one has an unknown form. */
export function importStatements(text: string, mask: string): ImportStatement[] | undefined {
  const found: ImportStatement[] = [];
  for (const { 0: head, index } of mask.matchAll(START)) {
    STATEMENT.lastIndex = index + head.length - 'import'.length;
    const match = STATEMENT.exec(mask);
    if (!match) return undefined;
    const [, clause = '', quote = '', content = '', semicolon] = match;
    const end = STATEMENT.lastIndex;
    const specifierAt = match.index + match[0].indexOf(quote) + 1;
    found.push({
      start: match.index,
      end,
      clause: clause.trim(),
      specifier: text.slice(specifierAt, specifierAt + content.length),
      quote,
      semicolon: semicolon === ';',
    });
  }
  return found;
}
