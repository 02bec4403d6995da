// Fine Uploader keeps its requests to the signer to itself, so the log listens to XMLHttpRequest.
// A signature is a credential and is never shown: only what it allows, and until when.

/// Calls `report({time, verb, blob, status, answer, millis})` for each answer of the two endpoints.
export function watchRequests({ signature, success }, report) {
  const describe = { [signature]: describeSignature, [success]: describeSuccess };
  const { open, send } = XMLHttpRequest.prototype;

  XMLHttpRequest.prototype.open = function (method, url, ...rest) {
    const { pathname, searchParams } = new URL(url, location);
    const describer = describe[pathname];
    this.asked = describer && { describer, searchParams };
    return open.call(this, method, url, ...rest);
  };

  XMLHttpRequest.prototype.send = function (body) {
    if (this.asked) listen(this, body, report);
    return send.call(this, body);
  };
}

let asking = 0;
const waiting = [];

/// Calls `action` as soon as no request to the two endpoints is under way.
export function whenAnswered(action) {
  if (asking === 0) action();
  else waiting.push(action);
}

function listen(xhr, body, report) {
  const { describer, searchParams } = xhr.asked;
  const started = performance.now();
  asking += 1;
  xhr.addEventListener('loadend', () => {
    report({
      time: new Date(),
      status: xhr.status,
      millis: Math.round(performance.now() - started),
      ...describer(xhr, searchParams, new URLSearchParams(typeof body === 'string' ? body : '')),
    });
    asking -= 1;
    if (asking === 0) waiting.splice(0).forEach((it) => it());
  });
}

function describeSignature(xhr, query) {
  return {
    verb: query.get('_method'),
    blob: blobPath(query.get('bloburi')),
    answer: xhr.status === 200 ? describeSas(xhr.responseText) : describeRefusal(xhr),
  };
}

function describeSuccess(xhr, query, form) {
  return {
    verb: 'DONE',
    blob: blobPath(`${form.get('container')}/${form.get('blob')}`),
    answer: xhr.status === 200 ? 'noted' : describeRefusal(xhr),
  };
}

// The store's address is the same on every line: the first path segment of the emulator is the account.
const blobPath = (uri) => uri.replace(/^[a-z]+:\/\/[^/]+\/[^/]+\//i, '');

function describeSas(uri) {
  const sas = new URL(uri).searchParams;
  const expiry = new Date(sas.get('se'));
  return `sp=${sas.get('sp')} until ${expiry.toLocaleTimeString()}`;
}

function describeRefusal(xhr) {
  try {
    const { code, error } = JSON.parse(xhr.responseText);
    return `${code}: ${error}`;
  } catch {
    return 'no answer';
  }
}
