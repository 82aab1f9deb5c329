// The README's steps to the first webhook, read from the README.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { repo } from './packed-app.mjs';

const readme = await readFile(join(repo, 'README.md'), 'utf8');

function found(pattern) {
  const match = pattern.exec(readme);
  if (!match) throw new Error(`README.md: expected a match of ${pattern}, found none`);
  return match;
}

/** Returns the code of the block `// src/<name>`, with relative imports in the form the README gives for this app. */
export function readmeFile(name, { end }) {
  const [, code] = found(new RegExp(`^\`\`\`ts\\n(// src/${name}\\n.*?)^\`\`\`$`, 'ms'));
  return code.replace(/(from '\.[^']*)\.js'/g, `$1${end}'`);
}

const [, variable, secret] = found(/^export (DBT_CLOUD_WEBHOOK_SECRET)=(\S+)$/m);
/** The environment variables with which the README starts the app. */
export const readmeSecret = { [variable]: secret };

const [send] = found(/^npx nestjs-runhooks send http:\/\/localhost:3000\/.*$/m);
/** Returns the README's commands that send a webhook, for an app on another port. */
export function readmeSend(port) {
  return `export ${variable}=${secret}\n${send.replace(':3000/', `:${port}/`)}`;
}
