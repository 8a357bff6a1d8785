// Bundles what comes from npm: node build.mjs NPM_FOLDER OUT_FOLDER
// NPM_FOLDER holds node_modules; OUT_FOLDER gets the files, with their hash in the name, and `manifest`: a line `name<TAB>file` each.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const [npm, out] = process.argv.slice(2).map((path) => resolve(path));
const { build } = createRequire(join(npm, 'package.json'))('esbuild');
const modules = join(npm, 'node_modules');
mkdirSync(out, { recursive: true });

// Monaco's style sheets come with modules that are loaded late; the page wants them from the start.
const styles = { name: 'styles', setup: (b) => b.onLoad({ filter: /monaco-editor\/esm\/.*\.css$/ }, () => ({ contents: '', loader: 'empty' })) };

const entry = (file) => join(modules, 'monaco-editor', 'esm', 'vs', file);
const common = {
  bundle: true,
  minify: true,
  outdir: out,
  absWorkingDir: npm,
  nodePaths: [modules],
  loader: { '.ttf': 'file' },
  define: { 'process.env.NODE_ENV': '"production"' },
  entryNames: '[name]-[hash]',
  legalComments: 'eof',
  target: 'es2022',
  metafile: true,
};
const results = await Promise.all([
  build({
    ...common,
    format: 'esm',
    splitting: true,
    plugins: [styles],
    entryPoints: {
      playground: join(here, 'playground.jsx'),
      reference: join(here, 'reference.js'),
      'worker-editor': entry('editor/editor.worker.js'),
      'worker-json': entry('language/json/json.worker.js'),
      'worker-graphql': join(modules, 'monaco-graphql', 'esm', 'graphql.worker.js'),
    },
  }),
  build({ ...common, entryPoints: { monaco: join(modules, 'monaco-editor', 'min', 'vs', 'editor', 'editor.main.css') } }),
]);

const names = new Map();
for (const { metafile } of results) {
  for (const [path, { entryPoint, cssBundle }] of Object.entries(metafile.outputs)) {
    const file = relative(out, join(npm, path));
    const base = file.replace(/-[A-Z0-9]{8}(\.\w+)$/, '$1');
    if (entryPoint) names.set(base, file);
    const page = base.match(/^(playground|reference)\.js$/)?.[1];
    if (cssBundle && page) names.set(`${page}.css`, relative(out, join(npm, cssBundle)));
  }
}

const bootstrap = readFileSync(join(modules, 'bootstrap', 'dist', 'css', 'bootstrap.min.css'), 'utf8').replace(/\/\*# sourceMapping.*\*\/\s*$/, '');
const file = `bootstrap-${createHash('sha256').update(bootstrap).digest('hex').slice(0, 8)}.css`;
writeFileSync(join(out, file), bootstrap);
names.set('bootstrap.css', file);

const named = new Set(names.values());
const rest = readdirSync(out).filter((name) => name !== 'manifest' && !named.has(name));
const lines = [...names, ...rest.map((name) => [name, name])].map((line) => line.join('\t'));
writeFileSync(join(out, 'manifest'), `${lines.sort().join('\n')}\n`);
