// The demo page: the real Fine Uploader with its settings, the signer's log and the stored blobs beside it.
import { watchRequests, whenAnswered } from './requests.js';

const kLogLines = 200;

const site = await (await fetch('/site.json')).json();
const form = document.forms.settings;
const settings = form.elements;
const log = document.getElementById('log');
const storedList = document.getElementById('stored');
const stored = [];
let uploader;

watchRequests(site, showAnswer);
settings.user.addEventListener('change', signIn);
form.addEventListener('change', startUploader);
await signIn();
startUploader();

async function signIn() {
  const user = settings.user.value;
  settings.target.value = user ? `uploads/${user}` : 'drop';
  await fetch(`/login?user=${user}`, { method: 'POST' });
}

// --- Fine Uploader --------------------------------------------------------------------------------------------

function startUploader() {
  const target = settings.target.value;
  uploader = new qq.azure.FineUploader({
    element: emptied(document.getElementById('uploader')),
    request: { endpoint: `${site.storage}/${target}` },
    signature: { endpoint: site.signature },
    uploadSuccess: { endpoint: site.success },
    blobProperties: { name: naming(settings.naming.value) },
    chunking: chunking(Number(settings.partSize.value), settings.concurrent.checked),
    resume: { enabled: true },
    deleteFile: { enabled: true },
    display: { prependFiles: true },
    text: { fileInputTitle: 'Choose files' },
    failedUploadTextDisplay: { mode: 'custom', responseProperty: 'error' },
    thumbnails: {
      timeBetweenThumbs: 0,
      placeholders: { waitingPath: 'waiting.svg', notAvailablePath: 'file.svg' },
    },
    callbacks: {
      onSubmitted: nameButtons,
      onStatusChange: lockSettings,
      onComplete(id, name, { success }) {
        if (!success) return;
        const [uuid, size, blobName] = [uploader.getUuid(id), uploader.getSize(id), uploader.getBlobName(id)];
        addStored({ target, name, uuid, size, blobName });
      },
      onDeleteComplete(id, xhr, failed) {
        if (!failed) removeStored(({ uuid }) => uuid === uploader.getUuid(id));
      },
    },
  });
  uploader.addInitialFiles(stored.filter((blob) => blob.target === target));
  pauseBetweenSignatures(uploader);
}

// Fine Uploader 5.16.2 cannot take back a part whose signature is on its way: the part is sent in spite of the pause,
// then once more, and the file never completes or holds the part twice. So a pause waits for that answer.
function pauseBetweenSignatures(it) {
  const pause = it.pauseUpload;
  it.pauseUpload = (id) => whenAnswered(() => pause.call(it, id));
}

function naming(choice) {
  if (choice !== 'folder') return choice;
  return (id) => new qq.Promise().success(`${uploader.getUuid(id)}/${uploader.getName(id)}`);
}

function chunking(partSize, concurrent) {
  if (!partSize) return { enabled: false };
  return { enabled: true, partSize, minFileSize: partSize + 1, concurrent: { enabled: concurrent } };
}

function nameButtons(id, name) {
  for (const button of uploader.getItemByFileId(id).querySelectorAll('button')) {
    button.setAttribute('aria-label', `${button.title} ${name}`);
  }
}

// A change of settings starts a new uploader, which would leave the files of the old one behind.
function lockSettings() {
  const busy = uploader.getInProgress() > 0;
  for (const control of settings) control.disabled = busy;
}

// --- stored blobs ---------------------------------------------------------------------------------------------

function addStored(blob) {
  removeStored(({ target, blobName }) => target === blob.target && blobName === blob.blobName);    // overwritten
  const url = `${site.storage}/${blob.target}/${blob.blobName.split('/').map(encodeURIComponent).join('/')}`;
  const link = Object.assign(document.createElement('a'), {
    href: url, target: '_blank', textContent: `${blob.target}/${blob.blobName}`,
  });
  const line = document.createElement('li');
  line.append(link);
  storedList.prepend(line);
  stored.unshift({ ...blob, thumbnailUrl: url, line });
}

function removeStored(isGone) {
  const index = stored.findIndex(isGone);
  if (index < 0) return;
  const [{ line }] = stored.splice(index, 1);
  line.remove();
}

// --- what the signer was asked --------------------------------------------------------------------------------

function showAnswer({ time, verb, blob, status, answer, millis }) {
  const row = document.createElement('tr');
  row.className = status === 200 ? 'granted' : 'refused';
  row.append(
    cell(time.toLocaleTimeString(), `${millis} ms`),
    cell(verb, blob),
    cell(status || 'failed', answer),
  );
  log.prepend(row);
  while (log.rows.length > kLogLines) log.deleteRow(-1);
}

function cell(first, second) {
  const element = document.createElement('td');
  element.append(
    Object.assign(document.createElement('b'), { textContent: first }), ' ',
    Object.assign(document.createElement('span'), { textContent: second }),
  );
  return element;
}

function emptied(element) {
  element.replaceChildren();
  return element;
}
