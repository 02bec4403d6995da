// Uploads in a page by Fine Uploader; what happened waits in `happened` until the test takes it.
const happened = [];
const files = new Map();       // id -> {name, seed, size}
// `uploader` is the one of uploader.js, which the page has loaded.

const tell = (what, id, more = {}) => happened.push({
  what, id, uuid: uploader.getUuid(id), ...files.get(uploader.getName(id)), ...more,
});

function startTraffic(options) {
  uploader = new qq.azure.FineUploaderBasic({
    ...options,
    callbacks: {
      onComplete: (id, _, { success }) => tell(success ? 'finished' : 'failed', id),
      onCancel: (id) => { tell('cancelled', id); },
      onAutoRetry: (id) => { tell('retried', id); },
      onDeleteComplete: (id, _, isError) => tell(isError ? 'delete_failed' : 'deleted', id),
    },
  });
}

// The same bytes as in traffic.mjs. Fine Uploader keeps its files for ever, and a browser's memory for them ends after some
// thousands, so each is a part of one.
const kPoolBytes = 4 << 20;
const pool = new Blob([pseudoRandom(kPoolBytes)]);

function pseudoRandom(bytes) {
  const words = new Uint32Array(bytes / 4);
  for (let i = 0, word = 1; i < words.length; i++) {
    word = (Math.imul(word, 1664525) + 1013904223) >>> 0;
    words[i] = word;
  }
  return words;
}

function addSeeded(name, size, seed) {
  const start = seed % (kPoolBytes - size);
  files.set(name, { name, size, seed });
  uploader.addFiles([new File([pool.slice(start, start + size)], name)]);
}

function cancelIfUnderWay(id) {
  const { status } = uploader.getUploads({ id });
  if ([qq.status.QUEUED, qq.status.UPLOADING].includes(status)) uploader.cancel(id);
}
