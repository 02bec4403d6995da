// What the manual pages and shell completions say of commands, options, keys and files is what there is, both ways.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { blobvaletBinary } from '../lib/pool.mjs';
import { run } from './support.mjs';

const source = (name) => fileURLToPath(new URL(`../../${name}`, import.meta.url));
const pages = readdirSync(source('fcgi/man')).map((name) => join(source('fcgi/man'), name));
const page = (name) => readFileSync(join(source('fcgi/man'), name), 'utf8');

/// Every command, as its words, with what --help tells: `{words, commands, options: [{name, choices, value}]}`.
function commandsBelow(words = []) {
  const help = run(blobvaletBinary, [...words, '--help']);
  const section = (name) => new RegExp(`^${name}:\n((?: .*\n)*)`, 'm').exec(help)?.[1] ?? '';
  const commands = [...section('Subcommands').matchAll(/^ {2}([a-z][a-z-]*)/gm)].map(([, name]) => name);
  const options = [...section('Options').matchAll(/^ {2}(?:-\w,)?(--[a-z-]+)(?: [A-Z]+(?::\{(.*?)\})?)?/gm)]
    .map(([line, name, choices]) => ({ name, choices: choices?.split(','), takesValue: / [A-Z]/.test(line.replace(/Excludes:.*/, '')) }));
  return [{ words, commands, options }, ...commands.flatMap((command) => commandsBelow([...words, command]))];
}

const all = commandsBelow();
const optionsOf = (commands) => sorted(commands.flatMap(({ options }) => options.map(({ name }) => name.slice(2))));
const sorted = (names) => [...new Set(names)].sort();
const namesIn = (text, expression) => sorted([...text.matchAll(expression)].map(([, name]) => name));
const sectionOf = (text, title) => text.slice(text.indexOf(`\n.Sh ${title}\n`) + 1).replace(/(?<=.)\n\.Sh [^]*/, '');

describe('manual pages', () => {
  for (const file of pages) {
    test(`${basename(file)} is well-formed`, () => {
      const { stdout, stderr } = spawnSync('mandoc', ['-Tlint', '-Wwarning', file], { encoding: 'utf8' });
      assert.equal(stdout + stderr, '');
      assert.match(readFileSync(file, 'utf8'), /^\.Dd November 26, 2026\n/);
    });
  }

  test('blobvalet(1) lists every command', () => {
    assert.deepEqual(namesIn(sectionOf(page('blobvalet.1'), 'COMMANDS'), /^\.It Cm ([a-z-]+)$/gm), sorted(all[0].commands));
  });

  test('blobvalet(1) lists every exit code', () => {
    const [, codes] = /^Exit codes: (.*)$/m.exec(run(blobvaletBinary, ['--help']));
    assert.deepEqual(namesIn(sectionOf(page('blobvalet.1'), 'EXIT STATUS'), /^\.It (\d)$/gm), namesIn(codes, /(\d) /g));
  });

  test('blobvalet(1) lists every variable of the environment', () => {
    const sources = readdirSync(source('fcgi')).filter((name) => name.endsWith('.cpp')).map((name) => readFileSync(source(`fcgi/${name}`), 'utf8'));
    const read = namesIn(sources.join(''), /\b(?:getenv|text_of|take_secret|take_variable)\("([A-Z_]+)"\)/g);
    const listed = [...page('blobvalet.1').matchAll(/^\.It Ev (.*)$/gm)].flatMap(([, names]) => names.split(' , '));
    assert.deepEqual(sorted(listed), read);
  });

  // A command without a page of its own is described in blobvalet(1).
  const pageOf = ({ words: [command] }) => (existsSync(source(`fcgi/man/blobvalet-${command}.1`)) ? `blobvalet-${command}.1` : 'blobvalet.1');
  for (const name of pages.map((file) => basename(file)).filter((name) => name.endsWith('.1'))) {
    const described = all.filter((command) => pageOf(command) === name);
    test(`${name} describes the options and commands that there are`, () => {
      assert.notDeepEqual(described, [], 'no such command');
      const told = namesIn(page(name), /Fl -([a-z][a-z-]*)/g);
      assert.deepEqual(optionsOf(described).filter((option) => option !== 'help' && !told.includes(option)), [], 'not described');
      assert.deepEqual(told.filter((option) => !optionsOf(all).includes(option)), [], 'no such option');
      for (const { words: [, command] } of described.filter(({ words }) => words.length > 1)) {
        assert.match(page(name), new RegExp(`^\\.It Cm ${command}$`, 'm'));
      }
    });
  }
});

describe('blobvalet.json(5)', () => {
  const schema = JSON.parse(readFileSync(source('core/blobvalet.schema.json'), 'utf8'));
  const resolved = (node) => (node.$ref ? schema.definitions[node.$ref.split('/').pop()] : node);

  // What a rule or one of two keys may say once more stands in the page once.
  const kWhole = /^(rules\[\]\.(sas|verify|thumbnail)|accounts\[\]\.credential\.(current|next))$/;
  function keysBelow(node, path) {
    const object = resolved(node.type === 'array' ? node.items : node);
    if (!object.properties || kWhole.test(path)) return [];
    const prefix = path && `${path}${node.type === 'array' ? '[]' : ''}.`;
    return Object.entries(object.properties)
      .flatMap(([key, value]) => [{ path: prefix + key, ...resolved(value) }, ...keysBelow(resolved(value), prefix + key)]);
  }
  const keys = keysBelow(schema, '').filter(({ path }) => path !== '$schema');
  const items = new Map(page('blobvalet.json.5').split('\n.It Va ').slice(1)
    .map((item) => [item.slice(0, item.indexOf('\n')), item.replace(/\n\.El\n[^]*/, '')]));

  test('describes every key, and no other', () => assert.deepEqual(sorted(items.keys()), sorted(keys.map(({ path }) => path))));
  test('tells the bounds of every number', () => {
    for (const { path, minimum, maximum } of keys.filter((key) => key.minimum !== undefined && key.maximum !== undefined)) {
      assert.match(items.get(path), new RegExp(`\\b${minimum} to ${maximum}\\b`), path);
    }
  });
  test('names every value that one may choose', () => {
    for (const { path, enum: values } of keys.filter((key) => key.enum)) {
      for (const value of values) assert.ok(items.get(path).includes(value), `${path}: ${value}`);
    }
  });
});

describe('blobvalet-nginx(7)', () => {
  const text = page('blobvalet-nginx.7');
  const files = (dir) => readdirSync(source(`nginx/${dir}`)).map((name) => (dir === 'sites' ? name : `${dir}/${name}`));

  test('names every file', () => {
    const named = [...sectionOf(text, 'FILES').matchAll(/^\.It Pa (.*)$/gm)].flatMap(([, names]) => names.split(' , '));
    assert.deepEqual(sorted(named), sorted(['conf.d', 'snippets', 'blobvalet', 'sites'].flatMap(files)));
  });
  test('names variables and parameters that there are', () => {
    const conf = readFileSync(source('nginx/conf.d/blobvalet.conf'), 'utf8');
    const made = namesIn(conf, /^map .* (\$blobvalet_\w+) \{$/gm);
    const named = namesIn(text, /(\$blobvalet_\w+)/g).filter((name) => name !== '$blobvalet_user');
    assert.deepEqual(named.filter((name) => !made.includes(name)), []);
    const sent = namesIn(['signature', 'success', 'health', 'metrics', 'common'].map((name) => (
      readFileSync(source(`nginx/snippets/blobvalet-${name}.conf`), 'utf8'))).join(''), /^fastcgi_param (BLOBVALET_\w+)/gm);
    assert.deepEqual(namesIn(text, /^\.It Ev (BLOBVALET_\w+)$/gm), sorted([...sent, 'BLOBVALET_VAR_NAME']));
  });
});

// What a shell offers behind `words`. The program is found by its name, as an operator's shell finds it.
const env = { ...process.env, PATH: `${dirname(blobvaletBinary)}:${process.env.PATH}` };
const shells = {
  bash: (words) => run('bash', ['--norc', '-c', `
    . /usr/share/bash-completion/bash_completion
    . "$0"
    COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMP_LINE="$*" COMP_POINT=\${#COMP_LINE}
    _blobvalet
    printf '%s\\n' "\${COMPREPLY[@]}"`, source('fcgi/completion/blobvalet'), ...words], { env, cwd: source('fcgi/man') }),
  zsh: (words) => run('zsh', ['-f', '-c', `
    compadd() { print -l -- \${(P)2} }
    _describe() { for entry in \${(P)2}; do print -- \${entry%%:*}; done }
    _files() { print -l -- * }
    complete() { local words=("$@") CURRENT=$#; . $completion }
    completion=$0; complete "$@"`, source('fcgi/completion/_blobvalet'), ...words], { env, cwd: source('fcgi/man') }),
};

for (const [shell, offered] of Object.entries(shells)) {
  const offers = (...words) => sorted(offered(['blobvalet', ...words]).split('\n').filter(Boolean));
  describe(`completion in ${shell}`, () => {
    for (const { words, commands, options } of all) {
      test(`blobvalet ${words.join(' ')}`, () => {
        assert.deepEqual(offers(...words, ''), sorted(commands));
        assert.deepEqual(offers(...words, '-').filter((name) => name !== '-h'), sorted(options.map(({ name }) => name)));
      });
    }
    test('the file behind --config', () => assert.ok(offers('check', '--config', '').includes('blobvalet.1')));
    test('a command behind an option with a value', () => assert.ok(offers('--config', 'x.json', 'events', '').includes('list')));
  });
}

test('completion in bash: values that one may choose', () => {
  const choices = all.flatMap(({ words, options }) => options.filter((option) => option.choices).map((option) => ({ words, ...option })));
  assert.ok(choices.length > 0);
  for (const { words, name, choices: values } of choices) {
    assert.deepEqual(sorted(shells.bash(['blobvalet', ...words, name, '']).split('\n').filter(Boolean)), sorted(values));
  }
});
