// Checks the links between the documents of an installed package.
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** Returns links to files that the package does not contain, as `document: link`. */
export async function brokenLinks(folder) {
  const names = await readdir(folder, { recursive: true });
  const documents = names.filter((name) => name.endsWith('.md') && !name.startsWith('node_modules'));
  if (documents.length < 10)
    throw new Error(`found the documents ${documents.join(', ')}; expected those of docs, too`);
  const broken = [];
  for (const document of documents) {
    const text = await readFile(join(folder, document), 'utf8');
    for (const [, link] of text.matchAll(/\]\(([^)\s#]+)[^)\s]*\)/g)) {
      const isLocal = !/^https?:/.test(link);
      if (isLocal && !existsSync(join(folder, dirname(document), link))) broken.push(`${document}: ${link}`);
    }
  }
  return broken;
}
