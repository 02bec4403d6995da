// What an operator sees and does, also as root while the workers are somebody else.
import { spawnSync } from 'node:child_process';
import { chownSync, copyFileSync, existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { startProcess, tempDir, waitFor } from '../lib/process.mjs';
import { startRedis } from './redis.mjs';
import { workerBinary } from './workers.mjs';

// Debian's `nobody` and `nogroup`; they exist everywhere and own nothing.
const kNobody = 65534;
const asNobody = ['--reuid', kNobody, '--regid', kNobody, '--clear-groups', '--'].map(String);
const kHeadings = /^ID +STATE +ATTEMPTS +AGE +NEXT +SUBJECT +LAST ERROR$/;

const dir = tempDir();
let redis;
before(async () => { redis = await startRedis({ dir }); });
after(() => redis.stop());

const stores = { SQLite: join(dir, 'events.db'), Redis: `redis:${join(dir, 'redis.sock')}` };

function run(...args) {
  const { status, stdout, stderr } = spawnSync(workerBinary, args, { encoding: 'utf8' });
  return { status, stdout, stderr, lines: stdout.split('\n').filter(Boolean) };
}

for (const [name, store] of Object.entries(stores)) {
  test(`${name}: events are listed, retried and dropped`, () => {
    for (const id of ['waits', 'fails', 'dies', 'dies too'])
      assert.equal(run('store', store, id, `acme/uploads/${id}\u001b[31m`).status, 0);
    run('postpone', store, 'fails', 'connection\nrefused');
    run('bury', store, 'dies', 'HTTP 500');
    run('bury', store, 'dies too', 'HTTP 500');

    const table = run('list', store);
    assert.equal(table.status, 0);
    assert.match(table.lines[0], kHeadings);
    assert.match(table.lines[1], /^waits +waiting +0 +\d+s +now +acme\/uploads\/waits\?\[31m +$/);
    assert.match(table.lines[2], /^fails +retrying +1 +\d+s +in (59m|1h) +acme\/uploads\/fails\?\[31m +connection\?refused$/);
    assert.match(table.lines[3], /^dies +dead +1 +\d+s +never +acme\/uploads\/dies\?\[31m +HTTP 500$/);
    assert.ok(!table.stdout.includes('the body'));

    const [waits, fails, dies] = run('list-json', store).lines.map(JSON.parse);
    const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;
    assert.match(waits.stored_at, time);
    assert.match(fails.next_attempt, time);
    assert.deepEqual({ ...waits, stored_at: '', next_attempt: '' }, {
      id: 'waits', state: 'waiting', attempts: 0, stored_at: '', next_attempt: '',
      subject: 'acme/uploads/waits\u001b[31m', last_error: '', body: 'the body',
    });
    assert.equal(fails.last_error, 'connection\nrefused');
    assert.equal(dies.state, 'dead');
    assert.equal(dies.next_attempt, undefined);

    assert.equal(run('retry', store, 'fails').status, 0);
    assert.match(run('list', store).lines[2], /^fails +retrying +1 +\d+s +now/);
    assert.equal(run('retry', store, 'dies').status, 0);
    assert.equal(run('retry', store).stdout, '1 event waits again\n');
    assert.equal(run('retry', store).stdout, '0 events wait again\n');
    assert.deepEqual(run('list-json', store).lines.map((line) => JSON.parse(line).id), ['waits', 'fails', 'dies', 'dies too']);
    assert.ok(!run('list', store).stdout.includes(' dead '));

    for (const id of ['waits', 'fails', 'dies', 'dies too']) assert.equal(run('drop', store, id).status, 0);
    assert.match(run('list', store).lines.join('\n'), kHeadings);
    for (const command of ['drop', 'retry']) {
      const refused = run(command, store, 'wai\u001bts');
      assert.deepEqual([refused.status, refused.stdout, refused.stderr], [1, '', 'no event has the id wai?ts\n']);
    }
  });
}

test('a store that is not there is reported, and not made', () => {
  const nowhere = tempDir();
  const rows = [
    [join(nowhere, 'events.db'), /^\S+events\.db: unable to open database file: No such file or directory\n$/],
    [join(nowhere, 'no/events.db'), /^\S+events\.db: unable to open database file: No such file or directory\n$/],
    [`redis:${nowhere}/redis.sock`, /^Redis at \S+redis\.sock: cannot connect: No such file or directory\n$/],
  ];
  for (const [store, text] of rows) {
    const commands = [['list', store], ['list-json', store], ['retry', store], ['retry', store, 'a'], ['drop', store, 'a']];
    for (const command of commands) {
      const { status, stdout, stderr } = run(...command);
      assert.deepEqual([status, stdout], [1, ''], command.join(' '));
      assert.match(stderr, text);
    }
  }
  assert.deepEqual(readdirSync(nowhere), []);
});

// SQLite makes its side files as it needs them, and what root had made, the workers could not open any more.
test('root leaves nothing behind that the workers cannot use', async () => {
  const [state, programs] = [tempDir(), tempDir()];
  for (const path of [state, programs]) chownSync(path, kNobody, kNobody);
  const program = join(programs, 'event_worker');  // where it was built, only root may get to
  copyFileSync(workerBinary, program);
  const store = join(state, 'events.db');
  const owners = () => Object.fromEntries(readdirSync(state).map((file) => [file, statSync(join(state, file)).uid]));
  const storeAsNobody = (id) =>
    spawnSync('setpriv', [...asNobody, program, 'store', store, id, 's'], { encoding: 'utf8' });

  assert.equal(storeAsNobody('a').stderr, '');
  assert.deepEqual(owners(), { 'events.db': kNobody });
  for (const command of [['list', store], ['retry', store, 'a'], ['retry', store], ['drop', store, 'a']]) {
    assert.equal(run(...command).status, 0);
    assert.deepEqual(owners(), { 'events.db': kNobody }, command.join(' '));
    assert.equal(storeAsNobody(`after ${command.join(' ')}`).stderr, '');
  }

  // One that dies leaves SQLite's side files where they are.
  const dying = startProcess(workerBinary, ['measure', store, '1', '60']);
  await waitFor(() => existsSync(`${store}-wal`) && statSync(`${store}-wal`).size > 100_000, { what: 'a WAL of root' });
  await dying.stop('SIGKILL');
  assert.deepEqual(owners(), { 'events.db': kNobody, 'events.db-shm': kNobody, 'events.db-wal': kNobody });
  assert.equal(storeAsNobody('last').stderr, '');
});
