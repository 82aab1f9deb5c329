import { describe, expect, it } from '@jest/globals';
import { addToRootModule } from './root-module-text.js';

const edited = (text: string, rootClass?: string) =>
  addToRootModule(text, { className: 'Added', specifier: './added', rootClass });

/** A root module with this decorator, before and after. */
const HEAD = "import { Module } from '@nestjs/common';\n";
const file = (decorator: string) => `${HEAD}\n${decorator}\nexport class AppModule {}\n`;
const changed = (decorator: string) => file(decorator).replace(HEAD, `${HEAD}import { Added } from './added';\n`);

describe('addToRootModule', () => {
  it.each([
    ['an empty array', '@Module({ imports: [] })', '@Module({ imports: [Added] })'],
    [
      'an array on one line',
      '@Module({ imports: [A, b({ c: [1] })] })',
      '@Module({ imports: [A, b({ c: [1] }), Added] })',
    ],
    ['an array that spreads another', '@Module({ imports: [...shared] })', '@Module({ imports: [...shared, Added] })'],
    ['a trailing comma on one line', '@Module({ imports: [A,], })', '@Module({ imports: [A, Added], })'],
    [
      'elements on lines of their own',
      '@Module({\n  imports: [\n    A,\n    B,\n  ],\n})',
      '@Module({\n  imports: [\n    A,\n    B,\n    Added,\n  ],\n})',
    ],
    [
      'no trailing comma',
      '@Module({\n\timports: [\n\t\tA,\n\t\tB\n\t]\n})',
      '@Module({\n\timports: [\n\t\tA,\n\t\tB,\n\t\tAdded\n\t]\n})',
    ],
    [
      'comments beside and after the last element',
      '@Module({\n  imports: [\n    A // ], the first\n    // B,\n  ],\n})',
      '@Module({\n  imports: [\n    A, // ], the first\n    // B,\n    Added\n  ],\n})',
    ],
    [
      'only comments',
      '@Module({\n  imports: [\n    // none yet\n  ],\n})',
      '@Module({\n  imports: [\n    // none yet\n    Added,\n  ],\n})',
    ],
    ['only a block comment', '@Module({ imports: [/* none */] })', '@Module({ imports: [Added, /* none */] })'],
    [
      'an element over several lines',
      '@Module({\n  imports: [A.forRoot({\n    b: 1,\n  })],\n})',
      '@Module({\n  imports: [A.forRoot({\n    b: 1,\n  }), Added],\n})',
    ],
    ['an empty object', '@Module({})', '@Module({ imports: [Added] })'],
    [
      'no imports',
      '@Module({\n  providers: [{ provide: X, useValue: { imports: [] } }],\n})',
      '@Module({\n  imports: [Added],\n  providers: [{ provide: X, useValue: { imports: [] } }],\n})',
    ],
    ['no imports on one line', '@Module({ providers: [A] })', '@Module({ imports: [Added], providers: [A] })'],
    [
      'brackets in strings, templates, comments and regular expressions',
      '// @Module({\n@Module({\n  providers: [\'[\', `${`}`}{`, /[/\\]\'"]/g], // imports: [\n  /* imports: [] */ imports: [A], exports: ["]"],\n})',
      '// @Module({\n@Module({\n  providers: [\'[\', `${`}`}{`, /[/\\]\'"]/g], // imports: [\n  /* imports: [] */ imports: [A, Added], exports: ["]"],\n})',
    ],
    [
      'other decorators',
      '@Global()\n@Module({ imports: [] },)\n@Other({})',
      '@Global()\n@Module({ imports: [Added] },)\n@Other({})',
    ],
  ])('adds to %s', (_, before, after) => {
    expect(edited(file(before))).toEqual({ text: changed(after) });
  });

  it.each([
    ['a variable', '@Module(options)', /not an object literal/],
    ['a call', '@Module(merge({ imports: [] }))', /not an object literal/],
    ['an object with something behind it', '@Module({ imports: [] } as ModuleMetadata)', /not an object literal/],
    ['a spread before', '@Module({ ...base, imports: [] })', /spreads/],
    ['a spread after', '@Module({ imports: [], ...base })', /spreads/],
    ['a quoted key', "@Module({ 'imports': [] })", /not a plain name/],
    ['a computed key', '@Module({ [key]: [] })', /not a plain name/],
    ['imports in a variable', '@Module({ imports })', /not one array literal/],
    ['imports of a call', '@Module({ imports: list() })', /not one array literal/],
    ['an array with something behind it', '@Module({ imports: [].concat(more) })', /not one array literal/],
    ['two keys', '@Module({ imports: [], imports: [] })', /not one array literal/],
    ['two modules', '@Module({})\nclass A {}\n@Module({})', /more than one/],
    ['no module', '@Injectable()', /no @Module\(\)/],
    ['a bracket that is not closed', '@Module({ imports: [ })', /no @Module\(\)/],
    ['a string that is not closed', "@Module({ imports: [] })\nconst a = 'b", /could not be parsed/],
  ])('does not change a module with %s', (_, decorator, problem) => {
    expect(edited(file(decorator))).toEqual({ problem: expect.stringMatching(problem) });
  });

  it('takes the module of the class that main.ts starts', () => {
    const text = `${HEAD}@Module({})\nclass A {}\n@Module({})\nexport class B {}\n`;
    expect(edited(text, 'B')).toEqual({
      text: `${HEAD}import { Added } from './added';\n@Module({})\nclass A {}\n@Module({ imports: [Added] })\nexport class B {}\n`,
    });
    expect(edited(text, 'C')).toEqual({ problem: 'it has no @Module() of class C' });
  });

  it('keeps a byte order mark and Windows line breaks', () => {
    const text = `\uFEFF${file('@Module({\n  imports: [\n    A,\n  ],\n})')}`.replaceAll('\n', '\r\n');
    const expected = `\uFEFF${changed('@Module({\n  imports: [\n    A,\n    Added,\n  ],\n})')}`.replaceAll(
      '\n',
      '\r\n',
    );
    expect(edited(text)).toEqual({ text: expected });
  });

  it.each([
    ['double quotes and no semicolon', 'import { Module } from "@nestjs/common"', 'import { Added } from "./added"'],
    ['names over several lines', "import {\n  Module,\n} from '@nestjs/common';", "import { Added } from './added';"],
    ['a comment beside', "import { Module } from '@nestjs/common'; // from 'x'", "import { Added } from './added';"],
    ['no names', "import 'reflect-metadata';", "import { Added } from './added';"],
    ['require', "import a = require('a');", "import { Added } from './added';"],
    ['attributes', "import a from './a.json' with { type: 'json' };", "import { Added } from './added';"],
  ])('adds the import after one with %s', (_, last, added) => {
    const rest = "\n@Module({ imports: [Lazy] })\nclass A { load = () => import('./b'); }\n";
    expect(edited(`import type { B } from './b';\n${last}\n${rest}`)).toEqual({
      text: `import type { B } from './b';\n${last}\n${added}\n${rest.replace('Lazy', 'Lazy, Added')}`,
    });
  });

  it('adds the import before the last one if code follows on its line', () => {
    expect(edited("import 'a'; import 'b'; @Module({}) class A {}")).toEqual({
      text: "import { Added } from './added';\nimport 'a'; import 'b'; @Module({ imports: [Added] }) class A {}",
    });
  });

  it('returns the source unchanged when it already names the class', () => {
    const { text } = edited(file('@Module({})')) as { text: string };
    expect(edited(text)).toEqual({ text });
  });

  it('adds to a module whose comments name the class', () => {
    expect(edited(file('// Added\n@Module({})'))).toEqual({ text: changed('// Added\n@Module({ imports: [Added] })') });
  });
});
