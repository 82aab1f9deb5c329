/** Characters and words after which a slash begins a regular expression. After others it is a division. */
const BEFORE_REGEX = /(?:^|[([{,;:=!&|?+\-*%<>~^]|\b(?:return|typeof|case|in|of))\s*$/;

/**
 * Returns the text at the same length with blanks for comments and for the contents of strings, templates and regular
 * expressions, so that all brackets and words in it are code. Quotes and line breaks stay. Returns `undefined` if
 * something has no end.
 */
export function maskCode(text: string): string | undefined {
  let mask = '';
  while (mask.length < text.length) {
    const at = mask.length;
    const end = endOfOpaque(text, at);
    if (end === undefined) return undefined;
    const opaque = text.slice(at, end).replace(/[^\r\n]/g, ' ');
    if (end === at) mask += text.charAt(at).replace('\uFEFF', ' ');
    else if (/['"`]/.test(text.charAt(at))) mask += text.charAt(at) + opaque.slice(1, -1) + text.charAt(at);
    else mask += opaque;
  }
  return mask;
}

const COMMENT = /\/\/[^\r\n]*|\/\*[^]*?\*\//y;
const STRING = /'(?:[^'\\\r\n]|\\[^])*'|"(?:[^"\\\r\n]|\\[^])*"/y;
const REGEX = /\/(?:[^/\\[\r\n]|\\.|\[(?:[^\]\\\r\n]|\\.)*\])+\//y;

/** Returns the end of the comment, string, template or regular expression at `at`, or `at` if none begins there. */
function endOfOpaque(text: string, at: number): number | undefined {
  const two = text.slice(at, at + 2);
  if (two === '//' || two === '/*') return endOf(COMMENT, text, at);
  if (two.startsWith("'") || two.startsWith('"')) return endOf(STRING, text, at);
  if (two.startsWith('`')) return endOfTemplate(text, at);
  if (two.startsWith('/') && BEFORE_REGEX.test(text.slice(Math.max(0, at - 40), at))) return endOf(REGEX, text, at);
  return at;
}

function endOf(pattern: RegExp, text: string, at: number): number | undefined {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : undefined;
}

/** Returns the end of the template at `start`. Its `${…}` may contain strings, braces and other templates. */
function endOfTemplate(text: string, start: number): number | undefined {
  /** Braces that are open in each `${…}` around `at`. */
  let depth = 0;
  let at = start + 1;
  while (at < text.length) {
    if (depth === 0) {
      if (text.charAt(at) === '`') return at + 1;
      if (text.startsWith('${', at)) depth = 1;
      at += text.charAt(at) === '\\' || depth === 1 ? 2 : 1;
      continue;
    }
    const end = endOfOpaque(text, at);
    if (end === undefined) return undefined;
    if (end === at && text.charAt(at) === '{') depth += 1;
    if (end === at && text.charAt(at) === '}') depth -= 1;
    at = Math.max(end, at + 1);
  }
  return undefined;
}

const CLOSING: Readonly<Record<string, string>> = { '(': ')', '[': ']', '{': '}' };

/** Returns the index of the bracket that closes the one at `open`, or `undefined` if brackets do not match. */
export function closingBracket(mask: string, open: number): number | undefined {
  const expected: string[] = [];
  for (let at = open; at < mask.length; at += 1) {
    const character = mask.charAt(at);
    const closing = CLOSING[character];
    if (closing) expected.push(closing);
    else if (/[)\]}]/.test(character)) {
      if (expected.pop() !== character) return undefined;
      if (expected.length === 0) return at;
    }
  }
  return undefined;
}
