// For pages with Fine Uploader Azure 5.16: one signature for each file, and refusals that say why. One line behind the one
// that loads Fine Uploader, which stays as it is, and so do the page's options:
//
//     <script src="/blobvalet/blobvalet.js"></script>
//
// A bundle whose `qq` no other script sees calls `blobvalet(qq)`, before it makes an uploader.

/// From here on, uploaders of this `qq` (Basic, with interface, jQuery's) ask for signatures as README says, "The page".
function blobvalet(qq) {
  'use strict';
  const { azure } = qq;
  if (azure.blobvalet) return;                    // twice on one page
  azure.blobvalet = true;
  const kUnknown = 'application/octet-stream';    // what Azure makes of a blob without a type
  let making;                                     // the handler of uploads that is being made
  let deletes = {};                               // what is kept for DELETE, by signature endpoint and blob

  const wrap = (object, name, around) => { object[name] = around(object[name]); };

  /// What we say when we refuse, { error, code }; of the network's silence, a proxy's page and Azure's XML, nothing.
  const refusal = (xhr) => {
    try {
      return JSON.parse(xhr.responseText) || {};
    } catch {
      return {};
    }
  };

  /// What is about to be sent, by Fine Uploader's id of a file, or of that and a part (`7.2`): the file's size and type as
  /// hints for the rules, and this one request for rules that bind it.
  const declare = (handler, id) => {
    const [file, part] = `${id}`.split('.').map(Number);
    const blob = handler && handler.getFile(file);
    if (!blob) return {};                         // a DELETE, or cancelled while it waited for its turn
    const [qqsize, qqtype] = [blob.size, blob.type || kUnknown];
    return part >= 0
      ? { qqsize, qqtype, qqpart: part, operation: 'put_block', content_length: handler._getChunkData(file, part).size,
        block_id: btoa(`${part}`.padStart(5, '0')) }     // as Fine Uploader numbers them
      : { qqsize, qqtype, content_type: qqtype, ...(handler._shouldChunkThisFile(file) ? { operation: 'put_block_list' }
        : { operation: 'put_blob', content_length: qqsize }) };
  };

  /// In place of Fine Uploader's, with the same requester.
  azure.GetSas = function ({ cors, customHeaders, endpointStore, log, restRequestVerb: _method }) {
    const handler = making;                       // none: it is for a DELETE
    const asked = {};                             // what the requester is busy with, by id
    let bound;                                    // true: a SAS fits one request only
    const requester = new qq.AjaxRequester({
      cors, customHeaders, log, method: 'GET', validMethods: ['GET'], onComplete: answered,
      endpointStore: { get: (id) => qq.obj2url(declare(handler, id), endpointStore.get(id)) },
    });

    /// Where the SAS is kept: with the file, or else in `deletes`.
    const stateOf = (id, key) => (handler ? handler._getFileState(parseInt(id)) : deletes[key] = deletes[key] || {});

    const request = this.request = (id, uri) => {
      const promise = new qq.Promise();
      const state = stateOf(id, endpointStore.get(id) + uri);
      let { sas } = state;
      if (bound || !sas || sas.uri !== uri || !(Date.now() < sas.until)) {
        sas = state.sas = asked[id] = { uri, state, waiting: {}, at: Date.now(), until: Infinity };
        requester.initTransport(id).withParams({ bloburi: uri, _method }).withCacheBuster().send();
      }
      sas.waiting[id] = promise;
      return sas.text ? promise.success(sas.text) : promise;
    };

    function answered(id, xhr, isError) {
      const sas = asked[id];
      const text = sas.text = isError ? '' : xhr.responseText;
      const query = new URLSearchParams(text.split('?')[1]);
      // This browser's clock may be wrong: the server's Date tells how long the SAS is valid from now. Some of that is left
      // for what waits for its turn. NaN, if somebody else has signed, is never.
      const lifetime = Date.parse(query.get('se')) - (Date.parse(xhr.getResponseHeader('Date')) || sas.at);
      sas.until = text && sas.at + lifetime - Math.min(30000, lifetime / 4);
      bound = bound || query.has('srh');
      if (handler) {
        if (stateOf(id) !== sas.state) return;    // cancelled meanwhile
        const { file } = sas.state;
        // An empty header cannot be bound.
        if (bound && !file.type) Object.defineProperty(file, 'type', { value: kUnknown });
      }
      Object.entries(sas.waiting).forEach(([other, promise]) => {
        if (!text) promise.failure(xhr.status, xhr);
        else if (bound && other !== `${id}`) request(other, sas.uri).then(promise.success, promise.failure);
        else promise.success(text);
      });
    }
  };

  // Its requesters keep the place of what was cancelled on its way, and after three send nothing any more. How many files and
  // parts are under way at once, the handler sees to.
  wrap(qq, 'AjaxRequester', (Stock) => function (options) {
    if (making) options.maxConnections = Infinity;
    Stock.call(this, options);
  });

  wrap(azure, 'XhrUploadHandler', (Stock) => function (spec, proxy) {
    making = this;
    Stock.call(this, spec, proxy);
    making = null;
    // A refusal stays what it is until somebody changes something: no retries but those by hand.
    wrap(spec, 'onAutoRetry', (retry) => (...all) => !all[2].refused && retry(...all));
    // A part that was paused on its way may be sent twice, and would be twice in the file.
    wrap(this, 'finalizeChunks', (combine) => (id) => {
      const data = this._getPersistableData(id);
      data.blockIdEntries = [...new Map(data.blockIdEntries.map((entry) => [entry.part, entry])).values()];
      return combine(id);
    });
    ['uploadChunk', 'uploadFile', 'finalizeChunks'].forEach((step) => wrap(this, step, (send) => (what) => {
      const promise = new qq.Promise();
      const { id = what, chunkIdx } = what;
      const attempt = (again) => send(what).then(promise.success, (response, xhr) => {
        const { sas } = this._getFileState(id) || {};
        if (response.reset) {                     // Azure's 403, after which the finished parts are still there
          response.reset = false;
          if (sas && sas.waiting[chunkIdx >= 0 ? `${id}.${chunkIdx}` : id]) sas.until = 0;
          if (again && sas) return attempt();
        }
        if (xhr) {                                // only if there was no signature
          Object.assign(response, refusal(xhr));
          response.refused = /^4(?!08|29)/.test(xhr.status);
        }
        promise.failure(response, xhr);
      });
      attempt(true);
      return promise;
    }));
  });

  // Whoever deletes a blob that was uploaded anew asks anew: by that the site's application hears of it.
  wrap(azure, 'DeleteBlob', (Stock) => function (options) {
    wrap(options, 'onDeleteComplete', (complete) => (id, xhr, isError) => {
      if (!isError || xhr.status === 403) deletes = {};
      complete(id, xhr, isError);
    });
    return new Stock(options);
  });
  wrap(azure.FineUploaderBasic.prototype, '_onDeleteComplete', (complete) => function (id, xhr, isError) {
    const { error } = refusal(xhr);
    const { callbacks } = this._options;
    const { onError } = callbacks;
    if (error) callbacks.onError = (file, name, text, answer) => onError(file, name, error, answer);
    complete.call(this, id, xhr, isError);
    callbacks.onError = onError;
  });

  // The interface says "Delete failed" by itself.
  if (azure.FineUploader) wrap(azure.FineUploader.prototype, '_onDeleteComplete', (show) => function (id, xhr, isError) {
    show.call(this, id, xhr, isError);
    const { error } = refusal(xhr);
    if (isError && error) this._templating.setStatusText(id, error);
  });
}

if (window.qq && qq.azure) blobvalet(qq);
