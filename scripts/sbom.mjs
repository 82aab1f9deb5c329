// `node scripts/sbom.mjs` prints the software bill of materials of the package, as CycloneDX JSON.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { root, run } from './run.mjs';

/** Returns what an install of the package brings along. Peers belong to the host app, so they are not in it. */
export function sbom() {
  const { name } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const omitted = ['dev', 'peer', 'optional'].flatMap((kind) => ['--omit', kind]);
  const document = JSON.parse(run('npm', 'sbom', '--sbom-format', 'cyclonedx', ...omitted));
  // npm takes the name of the folder for the name of the package.
  document.metadata.component.name = name;
  return document;
}

/** Throws if the document does not describe `name` at `version` with all of `dependencies`. */
export function validate({ bomFormat, specVersion, metadata, components, dependencies }, expected) {
  const { name, version, dependencies: direct = {} } = expected;
  const must = (isSo, what) => {
    if (!isSo) throw new Error(`SBOM: expected ${what}`);
  };
  must(bomFormat === 'CycloneDX' && /^1\.\d+$/.test(specVersion), 'the format CycloneDX 1.x');
  const { component } = metadata;
  must(component.name === name && component.version === version, `the component ${name}@${version}`);
  must(component.purl === `pkg:npm/${name}@${version}`, `the purl of ${name}@${version}`);
  for (const dependency of Object.keys(direct))
    must(
      components.some((one) => one.name === dependency),
      `the component ${dependency}`,
    );
  for (const one of components) {
    must(one.purl?.startsWith('pkg:npm/'), `a purl of ${one.name}`);
    must(one.hashes?.length > 0, `a hash of ${one.name}`);
    must(one.licenses?.length > 0, `a license of ${one.name}`);
  }
  const known = new Set([component, ...components].map((one) => one['bom-ref']));
  for (const { ref, dependsOn } of dependencies)
    for (const one of [ref, ...dependsOn]) must(known.has(one), `a component for the reference ${one}`);
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) console.log(JSON.stringify(sbom(), null, 2));
