// Clocks of single processes that a test sets as it likes, by Debian's libfaketime.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { blobvaletBinary } from './pool.mjs';
import { tempDir } from './process.mjs';

const kLibraries = '/usr/lib';

/// Why no clock can be set; empty: it can. AddressSanitizer wants to be the first library of its process, as libfaketime does.
export function whyNoFakeTime(binary = blobvaletBinary) {
  if (!findLibrary()) return 'the Debian package faketime is not installed';
  return isSanitized(binary) ? 'a sanitizer and libfaketime exclude each other' : '';
}

// g++ links the sanitizer as a library, clang into the program.
const isSanitized = (binary) => /lib[at]san\.so/.test(execFileSync('ldd', [binary], { encoding: 'utf8' }))
  || ['__asan_init', '__tsan_init'].some((name) => readFileSync(binary).includes(name));

function findLibrary() {
  const at = (directory) => join(kLibraries, directory, 'faketime/libfaketimeMT.so.1');
  return readdirSync(kLibraries).map(at).find(existsSync);
}

/// A clock for any number of processes, `{env, set(seconds), seconds()}`: those with this environment believe that it is so
/// much later than it is, or earlier. Their timers go on as before, as those of a machine do whose clock is set; but nobody
/// tells them that it was.
export function makeClock() {
  const file = join(tempDir('blobvalet-clock'), 'offset');
  let offset = 0;
  const clock = {
    env: {
      LD_PRELOAD: findLibrary(), FAKETIME_TIMESTAMP_FILE: file, FAKETIME_NO_CACHE: '1', FAKETIME_DONT_FAKE_MONOTONIC: '1',
      NO_FAKE_STAT: '1',
    },
    seconds: () => offset,
    /// Also at once for processes that run.
    set(seconds) {
      offset = seconds;
      writeFileSync(`${file}.new`, `${seconds < 0 ? '' : '+'}${seconds}s\n`);
      renameSync(`${file}.new`, file);
    },
  };
  clock.set(0);
  return clock;
}
