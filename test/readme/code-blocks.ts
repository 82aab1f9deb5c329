import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import ts from 'typescript';

const root = join(import.meta.dirname, '../..');

/** One ```ts block of a document, written to a file unchanged. */
export interface CodeBlock {
  /** Path of the document, such as `docs/handlers.md`. */
  readonly document: string;
  /** Line of the document on which the code starts. */
  readonly line: number;
  readonly file: string;
}

/** Returns README.md, its neighbors, and everything below docs/. */
export function documents(): string[] {
  const guides = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' });
  return [...readdirSync(root), ...guides.map((name) => join('docs', name))].filter((name) => name.endsWith('.md'));
}

/** Returns links of a document to missing files or headings of the repository. */
export function brokenLinks(document: string): string[] {
  const links = readFileSync(join(root, document), 'utf8').matchAll(/\]\(([^)\s]+)\)/g);
  return [...links]
    .map(([, link = '']) => link)
    .filter((link) => {
      if (/^https?:/.test(link)) return false;
      const [path = '', anchor] = link.split('#');
      const file = path === '' ? join(root, document) : join(root, dirname(document), path);
      return !existsSync(file) || (anchor !== undefined && !anchorsOf(file).includes(anchor));
    });
}

/** Returns the anchors that GitHub creates for a page's headings. */
function anchorsOf(file: string): string[] {
  const headings = readFileSync(file, 'utf8').matchAll(/^#+ (.*)$/gm);
  return [...headings].map(([, text = '']) =>
    text
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

/**
 * Writes the blocks of all documents to a temporary directory. A block that begins with a comment such as `//
 * src/app.module.ts` becomes that file, so that blocks of one document can import each other. Nothing is added to a
 * block.
 */
export function writeCodeBlocks(): { directory: string; blocks: CodeBlock[] } {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), 'runhooks-docs-')));
  writeFileSync(join(directory, 'package.json'), '{ "type": "module" }');
  symlinkSync(realpathSync(join(root, 'node_modules')), join(directory, 'node_modules'));
  const blocks = documents().flatMap((document) => {
    const text = readFileSync(join(root, document), 'utf8');
    return [...text.matchAll(/^```ts\n(.*?)^```$/gms)].map((match) => {
      const code = match[1] ?? '';
      const line = text.slice(0, match.index).split('\n').length + 1;
      const name = /^\/\/ (\S+\.ts)\n/.exec(code)?.[1] ?? `block-on-line-${line}.ts`;
      const file = join(directory, document.replace(/\.md$/, ''), name);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, code, { flag: 'wx' });
      return { document, line, file };
    });
  });
  return { directory, blocks };
}

/** Returns TypeScript's errors in the blocks, with lines of the documents and the options of tsconfig.json. */
export function typeErrors(blocks: readonly CodeBlock[]): string[] {
  const config = ts.readConfigFile(join(root, 'tsconfig.json'), (path) => ts.sys.readFile(path));
  const { options } = ts.parseJsonConfigFileContent(config.config, ts.sys, root);
  const program = ts.createProgram({
    rootNames: blocks.map(({ file }) => file),
    // These are the strictest options a host may use.
    options: {
      ...options,
      noPropertyAccessFromIndexSignature: true,
      rootDir: '/',
      typeRoots: [join(root, 'node_modules/@types')],
    },
  });
  const byFile = new Map(blocks.map((block) => [block.file, block]));
  return ts.getPreEmitDiagnostics(program).map(({ file, start = 0, messageText }) => {
    const message = ts.flattenDiagnosticMessageText(messageText, '\n');
    const block = file && byFile.get(file.fileName);
    if (!file || !block) return `${file?.fileName ?? 'tsconfig.json'}: ${message}`;
    return `${block.document}:${block.line + file.getLineAndCharacterOfPosition(start).line}: ${message}`;
  });
}
