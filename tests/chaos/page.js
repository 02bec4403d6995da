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

// The same bytes as contentOf() in traffic.mjs makes.
function addSeeded(name, size, seed) {
  const words = new Uint32Array(Math.ceil(size / 4));
  for (let i = 0, word = seed; i < words.length; i++) {
    word = (Math.imul(word, 1664525) + 1013904223) >>> 0;
    words[i] = word;
  }
  files.set(name, { name, size, seed });
  uploader.addFiles([new File([new Uint8Array(words.buffer, 0, size)], name)]);
}

function cancelIfUnderWay(id) {
  const { status } = uploader.getUploads({ id });
  if ([qq.status.QUEUED, qq.status.UPLOADING].includes(status)) uploader.cancel(id);
}
