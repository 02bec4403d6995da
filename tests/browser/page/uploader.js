// Functions which tests call in the page. Everything that happens is kept in `events`.
const events = [];
let uploader;

// Names of the callbacks whose arguments tests look at; an xhr among them is kept as status and text.
const kCallbacks = [
  'onComplete', 'onAllComplete', 'onError', 'onCancel', 'onUploadChunk', 'onUploadChunkSuccess', 'onStatusChange',
  'onDelete', 'onDeleteComplete', 'onAutoRetry', 'onResume', 'onSessionRequestComplete',
];

// Requests under way, to the signer and to the store: what Fine Uploader is busy with decides what a pause means.
const pending = { signer: 0, store: 0 };
const { open, send } = XMLHttpRequest.prototype;
XMLHttpRequest.prototype.open = function (method, url, ...rest) {
  this.kind = url.includes('/blobvalet/') ? 'signer' : 'store';
  return open.call(this, method, url, ...rest);
};
XMLHttpRequest.prototype.send = function (body) {
  pending[this.kind] += 1;
  this.addEventListener('loadend', () => { pending[this.kind] -= 1; });
  return send.call(this, body);
};

/// Adds one of Fine Uploader's templates, synchronously: once a page is loaded, or loaded again, its template is there.
function addTemplate(name) {
  const request = new XMLHttpRequest();
  request.open('GET', `/fine-uploader/templates/${name}.html`, false);
  request.send();
  document.body.insertAdjacentHTML('beforeend', request.responseText);
}

/// `options` are Fine Uploader's own. `on` may hold functions that run after an event was kept. Where the page has a
/// place for the gallery, the uploader is shown in it. `make` makes the uploader.
function startUploader(options, on = {}, make = (Uploader, all) => new Uploader(all)) {
  const callbacks = Object.fromEntries(kCallbacks.map((name) => [name, (...args) => {
    events.push({ name, args: args.map(plain) });
    on[name]?.(...args);
  }]));
  const element = document.getElementById('gallery');
  uploader = element ? make(qq.azure.FineUploader, { ...options, element, callbacks })
    : make(qq.azure.FineUploaderBasic, { ...options, callbacks });
}

/// The same with the jQuery plugin, whose callbacks are events.
function startPlugin(options) {
  const target = $('#target');
  for (const name of kCallbacks) {
    const event = name[2].toLowerCase() + name.slice(3);
    target.on(event, (_, ...args) => { events.push({ name, args: args.map(plain) }); });
  }
  target.fineUploaderAzure(options);
  uploader = { addFiles: (...args) => target.fineUploaderAzure('addFiles', ...args) };
}

function plain(value) {
  if (value instanceof XMLHttpRequest) return { status: value.status, text: value.responseText };
  return value === undefined ? null : JSON.parse(JSON.stringify(value));
}

/// Adds a file whose bytes are a fixed pattern, which the test can make as well (see pattern() in support.mjs).
function addFile(name, size, { type = '', params } = {}) {
  const words = new Uint32Array(Math.ceil(size / 4));
  for (let i = 0, word = 1; i < words.length; i++) {
    word = (Math.imul(word, 1664525) + 1013904223) >>> 0;
    words[i] = word;
  }
  uploader.addFiles([new File([new Uint8Array(words.buffer, 0, size)], name, { type })], params);
}

/// Adds a file that holds this text.
function addText(name, text, type) {
  uploader.addFiles([new File([text], name, { type })]);
}

/// A picture which a browser can scale.
async function addPicture(name, width, height) {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext('2d');
  const gradient = context.createLinearGradient(0, 0, width, height);
  gradient.addColorStop(0, 'teal');
  gradient.addColorStop(1, 'gold');
  context.fillStyle = gradient;
  context.fillRect(0, 0, width, height);
  const blob = await canvas.convertToBlob({ type: 'image/png' });
  uploader.addFiles([new File([blob], name, { type: 'image/png' })]);
}
