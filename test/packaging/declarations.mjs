// Finds the imports in the type declarations of an installed package.
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** Returns the packages that the types of an entry point need, following imports within the package. */
export async function packagesOfTypes(folder, entry, condition) {
  const { name, exports } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
  const packages = new Set();
  const files = new Set([join(folder, exports[entry][condition].types)]);
  for (const file of files) {
    const text = await readFile(file, 'utf8');
    for (const [, specifier] of text.matchAll(/(?:\bfrom|\bimport|\bimport\() ?['"]([^'"]+)['"]/g)) {
      const own = exports[specifier.replace(name, '.')];
      if (specifier.startsWith('.')) files.add(join(dirname(file), specifier.replace(/js$/, 'd.ts')));
      else if (own) files.add(join(folder, own[condition].types));
      else packages.add(specifier);
    }
  }
  return packages;
}
