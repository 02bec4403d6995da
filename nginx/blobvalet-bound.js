// For pages whose rules have "bind_request": Fine Uploader says in each signature request which PUT will come, so that
// the SAS fits no other. Load it after Fine Uploader, and write
//
//     const uploader = blobvaletBound(qq.azure.FineUploader, options);
//
// in place of `new qq.azure.FineUploader(options)`, or with qq.azure.FineUploaderBasic. Options stay as they are.

/// Makes an uploader whose signature requests carry `operation`, `content_type`, `content_length` and `block_id`.
///
/// No option of Fine Uploader 5.16 knows what a signature is for: `signature.endpoint` is one text, and
/// `signature.customHeaders` is asked when the URL has been written. So this puts itself between the uploader and the two
/// parts that do know, which the uploader makes once, while it is made itself; they are put back at once. Deleting asks
/// through an object of its own and stays as it is.
function blobvaletBound(Uploader, options) {
  'use strict';
  const { GetSas, XhrUploadHandler } = qq.azure;
  let handler;

  /// `id` is that of a file, or that and the number of a part: `7.2`.
  function declare(id) {
    const [file, part] = String(id).split('.').map(Number);
    if (!handler.isValid(file)) return {};        // cancelled while its signature waited for its turn
    if (part !== undefined) {
      return { operation: 'put_block', content_length: handler._getChunkData(file, part).size, block_id: blockId(part) };
    }
    const { type, size } = typed(handler.getFile(file));
    return handler._shouldChunkThisFile(file) ? { operation: 'put_block_list', content_type: type }
      : { operation: 'put_blob', content_type: type, content_length: size };
  }

  // As Fine Uploader numbers them.
  const blockId = (part) => btoa(String(part).padStart(5, '0'));

  // A file whose type the browser does not know would be sent with an empty header, which cannot be bound. It is sent with
  // the type that Azure would give it.
  const typed = (file) => (file.type ? file
    : Object.defineProperty(file, 'type', { value: 'application/octet-stream', configurable: true }));

  qq.azure.XhrUploadHandler = function (...args) {
    handler = this;
    XhrUploadHandler.apply(this, args);
  };
  qq.azure.GetSas = function (given) {
    const endpointStore = { get: (id) => qq.obj2url(declare(id), given.endpointStore.get(id)) };
    return new GetSas({ ...given, endpointStore });
  };
  try {
    return new Uploader(options);
  } finally {
    Object.assign(qq.azure, { GetSas, XhrUploadHandler });
  }
}
