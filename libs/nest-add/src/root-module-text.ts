import { closingBracket, maskCode } from './code-mask.js';
import { importStatements, type ImportStatement } from './import-statements.js';

/** A module to add to the root module, and the root module's class name if it is known. */
export interface Addition {
  readonly className: string;
  readonly specifier: string;
  readonly rootClass?: string | undefined;
}

/** The new text of a file, or the reason why it could not be edited. */
export type Edited = { readonly text: string } | { readonly problem: string };

interface Insertion {
  readonly at: number;
  readonly text: string;
}

/** Adds a module to the `imports` of the root module. Returns the source unchanged if it already has the class name. */
export function addToRootModule(text: string, addition: Addition): Edited {
  const mask = maskCode(text);
  if (mask === undefined) return { problem: 'its text could not be parsed' };
  if (new RegExp(`\\b${addition.className}\\b`).test(mask)) return { text };
  const imports = importStatements(text, mask);
  const last = imports?.at(-1);
  if (!last) return { problem: 'its import statements could not be parsed' };
  const object = moduleObject(mask, addition.rootClass);
  if ('problem' in object) return object;
  const element = inImports(text, mask, object, addition.className);
  if ('problem' in element) return element;
  return { text: inserted(text, [...element, asImport(text, last, addition)]) };
}

function inserted(text: string, insertions: readonly Insertion[]): string {
  return insertions
    .toSorted((a, b) => b.at - a.at)
    .reduce((result, { at, text: added }) => result.slice(0, at) + added + result.slice(at), text);
}

function lineBreakAfter(text: string, at: number): string {
  return /^[^\n]*\r\n/.test(text.slice(at)) ? '\r\n' : '\n';
}

function indentOf(text: string, at: number): string {
  return /[ \t]*$/.exec(text.slice(0, at))?.[0] ?? '';
}

function leadingBlanks(text: string): number {
  return text.length - text.trimStart().length;
}

/** Adds the import on a new line after the last import and its comment, or before it if code follows on the line. */
function asImport(text: string, last: ImportStatement, { className, specifier }: Addition): Insertion {
  const { quote, semicolon, start, end } = last;
  const statement = `import { ${className} } from ${quote}${specifier}${quote}${semicolon ? ';' : ''}`;
  const lineBreak = lineBreakAfter(text, end);
  const rest = /^[^\r\n]*/.exec(text.slice(end))?.[0] ?? '';
  const comment = /^[ \t]*(?:\/\/.*|\/\*.*\*\/[ \t]*)?$/.test(rest);
  return comment ? { at: end + rest.length, text: lineBreak + statement } : { at: start, text: statement + lineBreak };
}

interface Brackets {
  readonly open: number;
  readonly close: number;
}

/** Finds the object literal of the `@Module(…)` of a class; without a name, of the only one. */
function moduleObject(mask: string, rootClass: string | undefined): Brackets | { problem: string } {
  const [decorator, other] = [...mask.matchAll(/@Module\s*\(/g)].flatMap(({ 0: head, index }) => {
    const open = index + head.length - 1;
    const close = closingBracket(mask, open);
    if (close === undefined) return [];
    const name = /\bclass\s+([\w$]+)/.exec(mask.slice(close))?.[1];
    return rootClass === undefined || name === rootClass ? [{ open, close }] : [];
  });
  if (!decorator) return { problem: `it has no @Module() of ${rootClass ? `class ${rootClass}` : 'a class'}` };
  if (other) return { problem: 'it has more than one @Module()' };
  const open = decorator.open + 1 + leadingBlanks(mask.slice(decorator.open + 1));
  const close = mask.charAt(open) === '{' ? closingBracket(mask, open) : undefined;
  if (close === undefined || !/^\s*,?\s*$/.test(mask.slice(close + 1, decorator.close))) {
    return { problem: 'the argument of its @Module() is not an object literal' };
  }
  return { open, close };
}

/** Returns the start of each property between the braces. */
function properties(mask: string, { open, close }: Brackets): number[] {
  const starts: number[] = [];
  let begins = true;
  for (let at = open + 1; at < close; at += 1) {
    const character = mask.charAt(at);
    if (begins && /\S/.test(character)) {
      starts.push(at);
      begins = false;
    }
    if (character === ',') begins = true;
    else if (/[([{]/.test(character)) at = closingBracket(mask, at) ?? close;
  }
  return starts;
}

/** Adds the class to the array `imports` of the object, or adds that property. */
function inImports(text: string, mask: string, object: Brackets, className: string): Insertion[] | { problem: string } {
  const starts = properties(mask, object);
  const keys = starts.map((at) => /^(?:\.{3}|[\w$]+)/.exec(mask.slice(at))?.[0]);
  if (keys.includes('...')) return { problem: 'its @Module() spreads another object' };
  if (keys.includes(undefined)) return { problem: 'its @Module() has a key that is not a plain name' };
  const index = keys.indexOf('imports');
  const start = starts[index];
  if (start === undefined) return [asProperty(text, object, starts[0], className)];
  const list = /^imports\s*:\s*\[/.exec(mask.slice(start));
  const open = start + (list?.[0].length ?? 0) - 1;
  const close = list ? closingBracket(mask, open) : undefined;
  if (close === undefined || !/^\s*[,}]/.test(mask.slice(close + 1)) || keys.lastIndexOf('imports') !== index) {
    return { problem: 'the imports of its @Module() are not one array literal' };
  }
  return asElement(text, mask, { open, close }, className);
}

/** Adds `imports` as the first property, in the layout of the object. */
function asProperty(text: string, { open, close }: Brackets, first: number | undefined, className: string): Insertion {
  const at = open + 1;
  const property = `imports: [${className}]`;
  if (first === undefined) return { at, text: text.slice(at, close).trim() === '' ? ` ${property} ` : ` ${property},` };
  if (!text.slice(at, first).includes('\n')) return { at, text: ` ${property},` };
  return { at, text: `${lineBreakAfter(text, open)}${indentOf(text, first)}${property},` };
}

/** Adds the class as the last element, in the layout of the array: line breaks and trailing comma. */
function asElement(text: string, mask: string, { open, close }: Brackets, className: string): Insertion[] {
  const start = open + 1;
  const code = mask.slice(start, close);
  const codeEnd = start + code.trimEnd().length;
  const separated = code.trim() === '' || code.trimEnd().endsWith(',');
  const whole = text.slice(start, close);
  const first = start + leadingBlanks(whole);
  const end = start + whole.trimEnd().length;
  if (text.slice(start, first).includes('\n') && text.slice(end, close).includes('\n') && whole.trim() !== '') {
    const line = lineBreakAfter(text, end) + indentOf(text, first) + className + (separated ? ',' : '');
    return separated
      ? [{ at: end, text: line }]
      : [
          { at: end, text: line },
          { at: codeEnd, text: ',' },
        ];
  }
  if (code.trim() !== '') return [{ at: codeEnd, text: `${separated ? '' : ','} ${className}` }];
  return [{ at: start, text: whole.trim() === '' ? className : `${className}, ` }];
}
