import ts from 'typescript';

const { paths } = ts.readConfigFile('tsconfig.json', (path) => ts.sys.readFile(path)).config.compilerOptions;
const isPublic = (name) => /^nestjs-runhooks(\/(?!internal)|$)/.test(name);

/** @type {import('typedoc').TypeDocOptions} */
export default {
  name: 'Runhooks',
  tsconfig: 'tsconfig.esm.json',
  entryPoints: Object.entries(paths)
    .filter(([name]) => isPublic(name))
    .map(([, [file]]) => file),
  out: 'dist/api',
  readme: 'none',
  disableSources: true,
  excludePrivate: true,
  // Types of options that only one signature uses are not exported; broken links are errors.
  validation: { invalidLink: true, rewrittenLink: true, notExported: false, notDocumented: false },
  treatValidationWarningsAsErrors: true,
};
