// SPDX-License-Identifier: Apache-2.0
// Bundles the console and writes it, compressed, for the program to carry: build.mjs OUT_FOLDER
//   OUT_FOLDER/files/*.gz   what is served
//   OUT_FOLDER/files.cpp    the table of them (api/console_file.hpp)
//   OUT_FOLDER/sizes.json   bytes of each, and which of them the first page loads
import {build} from 'esbuild';
import {createHash} from 'node:crypto';
import {mkdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {basename, dirname, join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {gzipSync} from 'node:zlib';

const here = dirname(fileURLToPath(import.meta.url));
const out = process.argv[2];
const types = {html: 'text/html; charset=utf-8', js: 'text/javascript; charset=utf-8', css: 'text/css; charset=utf-8', svg: 'image/svg+xml'};

const result = await build({
  absWorkingDir: here, entryPoints: {app: 'src/main.tsx', style: 'src/style.css'}, outdir: '/', bundle: true, write: false, metafile: true,
  splitting: true, format: 'esm', target: ['chrome110', 'firefox115', 'safari16'], minify: true, entryNames: '[name]-[hash]', chunkNames: '[name]-[hash]',
  jsx: 'automatic', jsxImportSource: 'preact', logLevel: 'warning',
  define: {global: 'globalThis', 'process.env.PACKAGE_VERSION': '"2.9.0"', 'process.env.NODE_ENV': '"production"'},
});

/** The outputs that a page has when `name` is loaded: itself and what it imports statically. */
function closure(name, seen = new Set()) {
  if (seen.has(name)) return seen;
  seen.add(name);
  for (const each of result.metafile.outputs[name].imports) {
    if (each.kind !== 'dynamic-import' && !each.external) closure(each.path, seen);
  }
  return seen;
}

const outputs = Object.keys(result.metafile.outputs);
const outputOf = (entry) => outputs.find((name) => result.metafile.outputs[name].entryPoint === entry);
const script = outputOf('src/main.tsx'), style = outputOf('src/style.css');
const first = [...closure(script), style];
const preload = first.filter((name) => name !== script && name !== style).map((name) => `<link rel="modulepreload" href="${basename(name)}">`).join('');
const page = readFileSync(join(here, 'src/index.html'), 'utf8').replace('<!-- head -->',
  `${preload}<link rel="stylesheet" href="${basename(style)}"><script type="module" src="${basename(script)}"></script>`);

const files = [
  {path: '', content: page, type: types.html, hashed: false},
  {path: 'icon.svg', content: readFileSync(join(here, 'src/icon.svg')), type: types.svg, hashed: false},
  ...result.outputFiles.map((file) => ({path: basename(file.path), content: file.contents, type: types[file.path.split('.').at(-1)], hashed: true})),
];

rmSync(join(out, 'files'), {recursive: true, force: true});
mkdirSync(join(out, 'files'), {recursive: true});
const sizes = {};
const rows = [], constants = [];
for (const [index, file] of files.entries()) {
  const gzip = gzipSync(file.content, {level: 9});
  const place = join(out, 'files', `${file.path || 'index.html'}.gz`);
  writeFileSync(place, gzip);
  sizes[file.path || 'index.html'] = gzip.length;
  constants.push(`const std::uint8_t kFile${index}[] = {\n#embed "${place}"\n};`);
  const etag = createHash('sha256').update(file.content).digest('hex').slice(0, 16);
  rows.push(`    {"${file.path}", "${file.type}", "\\"${etag}\\"", ${file.hashed}, kFile${index}},`);
}
const firstLoad = ['index.html', ...first.map((name) => basename(name))];
writeFileSync(join(out, 'sizes.json'), JSON.stringify({firstLoad: Object.fromEntries(firstLoad.map((name) => [name, sizes[name]])), all: sizes}, null, 1));
writeFileSync(join(out, 'files.cpp'), `// Made by console/build.mjs.
#include "api/console_file.hpp"

namespace api {
namespace {

${constants.join('\n')}

const ConsoleFile kFiles[] = {
${rows.join('\n')}
};

}  // namespace

std::span<const ConsoleFile> console_files() {
  return kFiles;
}

}  // namespace api
`);
